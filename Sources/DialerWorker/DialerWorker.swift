// The daemon that places calls.
//
// It takes dial commands from its own queue, claims each attempt once and for ever in its journal, hands the claimed
// ones to a provider and reports through the journal what became of them. It decides nothing about campaigns: who is
// called, when, and how often is the managers' business.
//
// - Attempt: the pure rules of one attempt.
// - Worker: the turn that decides a batch of inputs, and the shell around it.
// - Provider: what places calls; Simulator: the one that plays a carrier and people.
// - Journal: the log of this daemon; Publishing: what its events tell the others.
