"""The screens and dialogs of the desk."""
