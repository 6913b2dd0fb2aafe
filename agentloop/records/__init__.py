"""What runs leave in the user's state folder: journals, receipts, and what is read out of them."""
