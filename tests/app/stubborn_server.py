"""Serves the app, in a process with a piece of long work that never ends; run by test_closing.py."""

import sys
import threading

from panel.command import main

from app.jobs import Job

if __name__ == "__main__":
    job = Job(lambda turn: None, lambda share, text: None)
    job.start(lambda progress: threading.Event().wait(), print, print)
    sys.argv = ["panel", "serve", "app/", "--port", sys.argv[1]]  # what Panel's command reads
    main()
