"""The form interpretation algorithm: `decide` interprets an input, `evolve` folds what it meant.

    from turnkeeper.dialogue.decide import decide
    from turnkeeper.dialogue.evolve import evolve, fold

    decision = decide(form, state, turn, context)
    state = fold(state, decision.events)

Both are pure. `decide` may change with every release; `evolve` never does for an event that exists.
Nothing is imported here: workflow code folds, and must not load what interpretation needs.
"""
