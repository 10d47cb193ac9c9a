"""What is known of a user, from memory or Redis, within the time there is. Must not decide anything."""
