"""The screens, one file each. A file names its screens in `SCREENS`, and what can be done there in `ACTS`."""
