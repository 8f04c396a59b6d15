// Every limit of the engine, in one place. An operator may change those in `eg_config`; values beyond the limits here are refused.
#ifndef EG_LIMITS_H
#define EG_LIMITS_H

#include "base/base.h"

enum eg_limits {
    // Datagrams.
    EG_DATAGRAM_SIZE_MAX = 2048,   // [B] the longest datagram that is looked at; FFmpeg's default is 1,472
    EG_RTP_PAYLOAD_SIZE_MAX = 1400, // [B] the longest payload that is stored: with header, tag, UDP and IPv6 it is still under 1,500
    EG_DTLS_MTU = 1200,            // [B] the longest datagram of a handshake, RFC 8831 suggests the same
    EG_GSO_SEGMENTS_MAX = 64,      // what every kernel with UDP GSO takes in one message
    EG_GSO_SIZE_MAX = 65507,       // [B] the payload of the longest UDP datagram over IPv4

    // The batch that receive, tick and transmit write into.
    EG_BATCH_SIZE = 512 * 1024,    // [B]
    EG_BATCH_MESSAGES_MAX = 128,
    EG_BATCH_RESERVE_MESSAGES = 8, // room that must be free before bytes are handed to the core: the longest reply to one datagram
    EG_BATCH_RESERVE_SIZE = 16 * 1024, // [B] the same in bytes

    // ICE, RFC 8445.
    EG_ICE_UFRAG_SIZE = 8,         // characters of the engine's own
    EG_ICE_PWD_SIZE = 24,          // characters of the engine's own
    EG_ICE_UFRAG_SIZE_MAX = 256,   // characters of a peer's, RFC 8839 §5.4
    EG_ICE_PWD_SIZE_MAX = 256,
    EG_ICE_CONSENT_TIMEOUT = 30 * EG_SECOND, // [us] RFC 7675 §5.1
    EG_ICE_CONNECT_TIMEOUT = 15 * EG_SECOND, // [us] from the answer to the first authenticated check
    EG_ICE_SILENCE = 7 * EG_SECOND, // [us] without a check on the selected path, longer than clients leave between two (RFC 7675 §5.1: 6 s)
    EG_NO_FEEDBACK = 5 * EG_SECOND, // [us] of a connected viewer's without RTCP, after which that is told; browsers send some every second
    EG_ICE_CHECK_INTERVAL = 250 * EG_MILLISECOND, // [us] between our checks of a new path
    EG_ICE_CHECKS_MAX = 8,         // our checks of one path before it is given up

    // DTLS, RFC 6347.
    EG_DTLS_HANDSHAKE_TIMEOUT = 10 * EG_SECOND,   // [us] from the first check to the keys, unless configured
    EG_DTLS_HANDSHAKE_SIZE_MAX = 64 * 1024,       // [B] what a client may send before it has finished, at most
    EG_DTLS_FLIGHT_SIZE_MAX = 4096,               // [B] the longest flight of ours
    EG_DTLS_CERTIFICATES_SIZE_MAX = 16 * 1024,    // [B] of the client's chain, which normally is one self-signed certificate
    EG_DTLS_EARLY_RECORDS_MAX = 4,                // records that came before their keys: OpenSSL keeps 17 KiB for each
    EG_DTLS_REPEAT_GAP = 20 * EG_MILLISECOND,     // [us] between two repetitions of our flight that the client asks for
    EG_DTLS_REPEAT_INITIAL = 100 * EG_MILLISECOND, // [us] RFC 6347 §4.2.4.1 allows less than 1 s for real-time use
    EG_DTLS_REPEAT_MAX = 2 * EG_SECOND,            // [us]
    EG_DTLS_AMPLIFICATION_MAX = 3,                 // bytes sent to an address for each byte from there, before it has answered, RFC 9000 §8.1
    EG_DTLS_HANDSHAKE_SIZE_MIN = 4096,             // [B] the lowest value of an operator: a browser's handshake takes half of it
    EG_DTLS_HANDSHAKE_TIMEOUT_MAX_MS = 60 * 1000,  // [ms] the highest value of an operator
    EG_HANDSHAKES_MAX = 65536,                     // under way at once
    EG_HANDSHAKES_DEFAULT = 1000,                  // of about 65 KiB each
    EG_HANDSHAKES_PER_ADDRESS_DEFAULT = 64,        // enough for an office behind one NAT; one stranger takes 4 MiB at most
    EG_HANDSHAKE_QUEUE_SIZE = 256 * 1024,          // [B] of handshakes' datagrams that wait for their step: about 500 datagrams
    EG_HANDSHAKE_WAITING_MAX = 16,                 // of these datagrams, from one client
    EG_HANDSHAKE_FIRM = 2 * EG_SECOND,             // [us] a handshake is not evicted until it is this old

    // Media.
    EG_PICTURE_FLUSH = 1 * EG_MILLISECOND, // [us] a picture whose marker does not come is sent this long after its first packet
    EG_STORE_VIDEO_PACKETS_MAX = 16384,    // slots: 10 s at about 16 Mbit/s
    EG_STORE_AUDIO_PACKETS_MAX = 256,      // slots: 5 s of Opus
    EG_STORE_CHUNK_SIZE = 64 * 1024,       // [B]
    EG_STORE_VIDEO_CHUNKS_MAX = 320,       // 20 MiB of one source
    EG_STORE_AUDIO_CHUNKS_MAX = 8,         // 512 KiB
    EG_STORE_HISTORY = 2 * EG_SECOND,      // [us] kept for retransmission even when a new GOP has begun
    EG_STORE_GOP_MAX = 15 * EG_SECOND,     // [us] a GOP longer than this can't be joined in its middle
    EG_PARAMETER_SET_SIZE_MAX = 512,       // [B] of one SPS or PPS
    EG_PARAMETER_SETS_SIZE_MAX = 8192,     // [B] of all that one sender has: six packets in front of an IDR
    EG_SENDER_REPORT_INTERVAL = 2 * EG_SECOND, // [us]
    EG_SENDER_REPORT_INTERVAL_MIN = 100 * EG_MILLISECOND, // [us] between the first
    EG_SOURCE_DROPOUT_MAX = 3000,          // packets that a sender may jump ahead before it counts as another sender, RFC 3550 A.1
    EG_SOURCE_MISORDER_MAX = 100,          // packets that a sender may jump back, RFC 3550 A.1
    EG_SOURCE_JUMP = 2 * EG_SECOND,        // [us] by which a timestamp may be ahead of the time that has passed, or behind the last one
    EG_SOURCE_SILENCE = 250 * EG_MILLISECOND, // [us] of silence of the locked sender before another address may take over
    EG_SOURCE_INACTIVE = 1 * EG_SECOND,    // [us] without a packet before a source counts as inactive
    EG_BACKLOG_MAX = 1 * EG_SECOND,        // [us] by which a live viewer's next packet may be late
    EG_PACE_AT_ONCE = 128,                 // packets of a track that go to a viewer at once: 150 KB, less than sockets and queues on the way hold
    EG_PACE_INTERVAL = 2 * EG_MILLISECOND, // [us] between the steps in which the rest of a picture follows
    EG_PACE_STEP = 32,                     // packets of a step at least, which is 150 Mbit/s
    EG_PACE_DURATION_MIN = 8 * EG_MILLISECOND, // [us] of a picture; timestamps that are closer say nothing about its duration
    EG_PACE_DURATION_MAX = EG_BACKLOG_MAX / 2, // [us] within which a picture goes out, however long it is shown
    EG_PACE_NARROW_AT_ONCE = 28 * 1024,    // [B] of a track that go at once to a viewer whose link decides: less than half of a short queue
    EG_PACE_NARROW_HEADERS = 48,           // [B] about, of each packet's with its tag and IP
    EG_PACE_NARROW_INTERVAL = 8 * EG_MILLISECOND, // [us] between its steps
    EG_PACE_NARROW_PERCENT = 120,          // of its encoding's bit rate is that of its steps, on a link of which no more is known
    EG_HEADROOM_STEP_PERCENT = 133,        // of that, after a key picture that left no queue
    EG_HEADROOM_PERCENT_MAX = 400,         // of its encoding's bit rate: more saves no messages any more
    EG_HEADROOM_AFTER_KEY = 500 * EG_MILLISECOND, // [us] after which such a picture has gone out and is told of
    EG_HEADROOM_QUEUE = 20 * EG_MILLISECOND, // [us] of queue that is too much,
    EG_HEADROOM_LOSS_PERCENT = 2,          // ... and loss
    EG_HEADROOM_BACK_OFF = 5 * EG_SECOND,  // [us] before more is tried again, doubling
    EG_HEADROOM_BACK_OFF_MAX = 60 * EG_SECOND, // [us]
    EG_BACKWARD_PICTURES = 2,              // timestamps that go back before B-frames are reported ...
    EG_BACKWARD_SPAN = 10,                 // ... within so many pictures
    EG_STRANGE_PAYLOADS = 20,              // payloads that are not the codec's, without a key picture among them, before another is said to be sent
    EG_KEY_PATIENCE = 30 * EG_SECOND,      // [us] of packets without a key picture, after which the same is said

    // Workers of one engine.
    EG_WORKERS_MAX = 32,                   // with two queues in each direction between each two: 320 MiB if all were ever filled
    EG_RELAY_QUEUE_SIZE = 256 * 1024,      // [B] from one worker to another, of pictures: 200 streams' for 60 ms
    EG_FORWARD_QUEUE_SIZE = 64 * 1024,     // [B] of viewers' datagrams: about 300 checks
    EG_RELAY_RUN_MAX = 64,                 // packets in one record
    EG_RELAY_RETRY = 20 * EG_MILLISECOND,  // [us] after which a worker whose queue was full is told a stream's state again
    EG_MIRROR_LINGER = 2 * EG_SECOND,      // [us] that a worker keeps getting a stream after its last viewer of it
    EG_ROUTES_MAX = 131072,                // addresses whose datagrams are handed to another worker
    EG_ROUTE_LIFETIME = 60 * EG_SECOND,    // [us] without a check: twice what consent lasts
    EG_PLACEMENT_SLACK = 8,                // viewers by which a stream's own worker may be ahead of another and still get the next one

    // What joins and repairs may take.
    EG_BURST_SPEED_MAX = 20,               // times media speed
    EG_BURST_SPEED_MIN_PERCENT = 150,      // of media speed; a stream that is too fast for that is joined at its next IDR
    EG_BURST_BIT_RATE_MIN = 16000,         // [bit/s] however little a link is said to take
    EG_BURST_AGAIN = 1 * EG_SECOND,        // [us] between bursts to one viewer that asks for pictures
    EG_BURST_RECOVERY = 10 * EG_SECOND,    // [us] within which a burst is limited to the rate at which the last one arrived
    EG_BURST_LOST_SPAN = 96,               // packets of a burst, from the first lost one on, by which the link is judged
    EG_BURST_LOST = 64,                    // lost ones of 256 of these packets: the link is too narrow for the burst
    EG_BURST_PAUSE = 100 * EG_MILLISECOND, // [us] for the queue in front of such a link to run empty
    // A viewer whose link stays below the stream's rate only adds to the congestion. RFC 8083 §4.3 compares with what TCP would send, which at
    // short round trips tolerates losses that no picture survives. A plain limit reaches the same result sooner.
    EG_CONGESTION_LOSS = 64,               // lost ones of 256 packets, in each report
    EG_CONGESTION_TIMEOUT = 15 * EG_SECOND, // [us] of such reports before the viewer is closed
    EG_REPAIR_RATE = 500,                  // packets a second that are sent again to one viewer
    EG_REPAIR_BURST = 250,                 // packets at once
    EG_REPAIR_RATE_ALL = 50000,            // packets a second that are sent again to all viewers
    EG_REPAIR_PICTURE_MAX = 4096,          // packets of the largest picture to which a viewer's two budgets grow: it may be repeated once a second
    EG_GAPS_MAX = 4,                       // pictures of a viewer with open requests; the oldest makes room for a new one
    EG_GAP_TIMEOUT = 1 * EG_SECOND,        // [us] after which a viewer does not ask for a packet any more

    // Ladders: which of a stream's encodings a viewer's link gets (delivery/ladder.h).
    EG_LADDER_CALM = 10 * EG_SECOND,             // [us] without queue or loss before a step up, and before the next
    EG_LADDER_TRIAL = 10 * EG_SECOND,            // [us] within which congestion is the step's fault
    EG_LADDER_TRIAL_BACK_OFF = 60 * EG_SECOND,   // [us] at least until the next step up after one that failed
    EG_LADDER_BACK_OFF_MAX = 120 * EG_SECOND,    // [us]
    EG_LADDER_SETTLE = 1 * EG_SECOND,            // [us] after a switch, in which what was sent before is still told of
    EG_LADDER_PATIENCE = 3 * EG_SECOND,          // [us] of congestion at the lowest rung before sound is sent alone
    EG_LADDER_SKIP_AFTER = 3 * EG_SECOND,        // [us] of congestion there before the rest of a GOP is left out,
    EG_LADDER_SKIP_INTERVAL = 4 * EG_SECOND,     // [us] ... and again
    EG_LADDER_RESUME_FIRST = 5 * EG_SECOND,      // [us] of sound alone before the picture is tried again
    EG_LADDER_RESUME_MAX = 60 * EG_SECOND,       // [us]
    EG_LADDER_DEAF = 2 * EG_SECOND,              // [us] without a word of a viewer that is sent pictures and has spoken before
    EG_LADDER_QUEUE_HIGHEST = 100 * EG_MILLISECOND, // [us] of queue that is congestion at the highest rung
    EG_LADDER_QUEUE = 200 * EG_MILLISECOND,      // [us] ... and below it
    EG_LADDER_RISING = 300 * EG_MILLISECOND,     // [us] for which it has grown
    EG_LADDER_STANDING = 2 * EG_SECOND,          // [us] of a queue above the former, that is congestion though it does not grow; longer than a probe
    EG_LADDER_SUDDEN_PERCENT = 60,               // of an encoding's bit rate: where no more gets through,
    EG_LADDER_QUEUE_SUDDEN_HIGHEST = 60 * EG_MILLISECOND, // [us] ... this much queue is congestion at the highest rung,
    EG_LADDER_QUEUE_SUDDEN = 150 * EG_MILLISECOND, // [us] ... and below it,
    EG_LADDER_RISING_SUDDEN = 60 * EG_MILLISECOND, // [us] ... when it has grown for so long
    EG_LADDER_QUEUE_CALM = 50 * EG_MILLISECOND,  // [us] of queue, from which on a link is not calm
    EG_LADDER_LOSS_HIGHEST_PERCENT = 10,         // of the packets of some seconds, that are congestion at the highest rung: other loss stays below it
    EG_LADDER_LOSS_PERCENT = 20,                 // ... and below that rung
    EG_LADDER_LOSS_SUDDEN_HIGHEST_PERCENT = 25,  // of a second's packets, that are congestion at once
    EG_LADDER_LOSS_SUDDEN_PERCENT = 40,
    EG_LADDER_LOSS_HOPELESS_PERCENT = 30,        // ... at the lowest rung, from which on sound goes alone
    EG_LADDER_ENOUGH_PERCENT = 80,               // of the lowest rung's bit rate: what gets through is a picture
    EG_LADDER_REQUEST_APART = 1 * EG_SECOND,     // [us] between two requests for a picture that are about two pictures
    EG_LADDER_REQUESTS = 6 * EG_SECOND,          // [us] within which two of them are congestion
    EG_LADDER_LOSS_INTERVAL = 100 * EG_MILLISECOND, // [us] at which loss is smoothed
    EG_LADDER_USE_PERCENT = 85,                  // of what arrives at a congested link may be used
    EG_LADDER_SEEN = 30 * EG_SECOND,             // [us] for which it counts what arrived without a queue
    EG_LADDER_SILENT = 500 * EG_MILLISECOND,     // [us] and two pictures by which an encoding is behind the others when it is silent
    EG_LADDER_JUDGE_INTERVAL = 20 * EG_MILLISECOND, // [us] between two judgements at least
    EG_LADDER_HOLD = 100 * EG_MILLISECOND,       // [us] that a key picture waits for the same one of the encoding that a viewer goes to
    EG_LADDER_DRAIN_MIN = 50 * EG_MILLISECOND,   // [us] before a GOP that is sent into a full queue, so that there is room for it: twice the queue,
    EG_LADDER_DRAIN_MAX = 300 * EG_MILLISECOND,  // [us] ... at most
    EG_LADDER_BURST_PERCENT = 130,               // of its encoding's bit rate is what a join of a viewer with a ladder may take
    EG_LADDER_REPAIR_PERCENT = 50,               // of its encoding's bit rate may be packets that are sent again
    EG_LADDER_REPAIR_SIZE = 1200,                // [B] of such a packet, about
    EG_LADDER_REPAIR_QUEUED_PERCENT = 25,        // ... while there is a queue
    EG_LADDER_REPAIR_FULL_PERCENT = 8,           // ... while there is a long one
    EG_LADDER_REPAIR_BURST = 24,                 // of them at once at least: a key picture's
    EG_LADDER_CATCH_UP_PERCENT = 70,             // of what a congested link takes is for the GOP that is stepped down to: sound and repairs need room
    EG_LADDER_SPEED_MIN_PERCENT = 100,           // of media speed, at which the last GOP of the encoding below is still sent at once
    EG_PROBE_PERCENT = 120,                      // of the next rung's bit rate
    EG_PROBE_DURATION = 550 * EG_MILLISECOND,    // [us] of the first, half as much more for each that fails: two spans of what arrives
    EG_PROBE_DURATION_MAX = 1 * EG_SECOND,       // [us]
    EG_PROBE_INTERVAL = 5 * EG_MILLISECOND,      // [us] between its portions
    EG_PROBE_AFTER_KEY = 300 * EG_MILLISECOND,   // [us] between a key picture and a probe at least,
    EG_PROBE_AFTER_KEY_MAX = 1 * EG_SECOND,      // [us] ... and at most, so that it is over before the next one
    EG_PROBE_QUEUE_HIGHEST = 50 * EG_MILLISECOND, // [us] of queue that ends a probe for the highest rung
    EG_PROBE_QUEUE = 150 * EG_MILLISECOND,       // [us] ... and for one below
    EG_PROBE_RESULT = 200 * EG_MILLISECOND,      // [us] and a round trip until all is told of
    EG_PROBE_RESULT_COARSE = 3 * EG_SECOND,      // [us] ... of a viewer that sends receiver reports alone
    EG_PROBE_ARRIVED_PERCENT = 88,               // of what was sent has to arrive at its pace
    EG_PROBE_PACKETS_MAX = 16,                   // in one portion

    // Numbers of things. Slabs grow as they are used, up to here.
    EG_STREAMS_MAX = 4096,
    EG_VIEWERS_MAX = 65536,
    EG_MAILBOX_SIZE = 1024, // commands under way from API threads
};

#endif
