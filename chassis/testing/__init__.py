"""What tests share: real engines in processes of their own, and waiting for conditions instead of sleeping."""
