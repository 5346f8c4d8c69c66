"""scripts/validate-gate: how often scripts/gate is wrong, and what it sees, measured with real builds.

    __main__     the command line
    plan         the experiments, and how many runs of each there are to be
    builds       builds that differ from the base in one thing only
    runs         one run of the gate, and where its report is kept
    sabotage     what is done to a run on purpose
    exchanging   runs that might have been: recorded rounds with their labels exchanged
    rules        what other rules say of the same rounds
    tables       the measured part of docs/gate.md

An experiment takes hours in all, so every run is kept as soon as it has ended, and the next call goes on.
"""
