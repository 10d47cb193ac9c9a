"""What was answered and what was counted, on its way to the disk. Must not decide a bid, and never makes one wait."""
