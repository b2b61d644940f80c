"""The settings of the tasks service."""

from chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    """What every service reads; the tasks service needs nothing besides."""
