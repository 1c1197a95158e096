"""What makes a change grave, one idea a file; `containment.grave` asks them all."""
