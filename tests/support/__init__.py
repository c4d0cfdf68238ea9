"""What tests of several folders share; a test never imports another test."""
