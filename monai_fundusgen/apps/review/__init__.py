"""The reviewer: people correct artery/vein labels on their photographs, in a browser."""
