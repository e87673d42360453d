"""What touches an operating system: processes, prefixes of Wine, programs in C. The only room that may."""
