"""Divides the files of many jobs among folders, so that no directory becomes slow to list.

The files of the first jobs lie in the run folder itself, or in the folder of exports. Those of
further jobs lie in folders in it, such as ``jobs-0201-0400``.
"""

import re

JOBS_PER_FOLDER = 200
"""Ten files for each job make 2,000: five attempts with their logs, or eight formats of exports."""

_NAME = re.compile(r"jobs-\d{4,10}-\d{4,10}")


def folder_of_job(job: int) -> str:
    """The name of the folder of a job's files; empty if they are not in a folder of their own."""
    if job <= JOBS_PER_FOLDER:
        return ""
    before = (job - 1) // JOBS_PER_FOLDER * JOBS_PER_FOLDER
    return f"jobs-{before + 1:04d}-{before + JOBS_PER_FOLDER:04d}"


def is_job_folder(name: str) -> bool:
    """Whether a folder with that name has files of jobs."""
    return _NAME.fullmatch(name) is not None
