// The kernel shares out processor time by session (autogroup): what others build meanwhile, and what our own viewers take, must not be on the
// engine's account.
#ifndef BENCH_SESSION_H
#define BENCH_SESSION_H

// Makes the calling process a session of its own, and where that is allowed (to root) puts it before what else goes on on the machine.
void session_claim(void);

#endif
