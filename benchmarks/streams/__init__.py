"""What live streams cost one gateway process."""
