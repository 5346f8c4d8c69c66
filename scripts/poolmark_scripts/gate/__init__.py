"""scripts/gate: whether a new build is slower than a base, from rounds in which both were measured together.

    command     the command line; what is asked, in which order, with which exit status
    trees       a git revision or a build directory: built, checked, and its measuring program
    layouts     the same program linked several times, each with its code at other addresses
    sampling    one cell of one arm, in a process of its own
    rounds      the screen and the trials: blocks of one sample an arm, in an order drawn anew
    counts      what does not depend on the clock: instructions, allocations, system calls
    statistics  exact tests on paired ratios
    planning    how many rounds a trial has, and of which cells there is a second one
    deciding    a verdict for each cell, from recorded blocks alone
    model       what all of them speak of
    report_*    one model, many readers: terminal, JSON, Markdown, JUnit, SARIF, annotations, a picture

docs/gate.md says what is decided and why, and how often it is wrong.
"""
