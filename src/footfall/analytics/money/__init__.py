"""Where revenue comes from and when, who pays, and what recurs."""
