"""The command palette: every action in the order of the help, group by group."""

from textual.command import DiscoveryHit, Hit, Hits, Provider


class GroupedCommands(Provider):
    """Lists the commands in the order in which the desk yields them, so that a group stays
    together; Textual's own provider sorts them by name."""

    async def discover(self) -> Hits:
        """Yields all commands, for an empty input."""
        for command in self.app.get_system_commands(self.screen):
            yield DiscoveryHit(command.title, command.callback, help=command.help)

    async def search(self, query: str) -> Hits:
        """Yields the commands that match what was typed, by their phrase or their group."""
        matcher = self.matcher(query)
        for command in self.app.get_system_commands(self.screen):
            score = matcher.match(command.title)
            if score > 0:
                title = matcher.highlight(command.title)
                yield Hit(score, title, command.callback, help=command.help)
