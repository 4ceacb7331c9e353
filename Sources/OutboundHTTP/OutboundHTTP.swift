// Requests to servers that customers name: webhooks, and what flows send and fetch.
//
// `AddressRules` says where they may go, a pure value; `GuardedClient` goes there. It does not retry, keep anything or
// know what it carries: that is its callers' affair.
