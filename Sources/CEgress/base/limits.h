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

    // Numbers of things. Slabs grow as they are used, up to here.
    EG_STREAMS_MAX = 4096,
    EG_VIEWERS_MAX = 65536,
    EG_MAILBOX_SIZE = 1024, // commands under way from API threads
};

#endif
