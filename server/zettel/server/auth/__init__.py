"""Authentication: static tokens and OAuth."""
