"""The command line: arguments, files, stdin and stdout, what each subcommand does."""
