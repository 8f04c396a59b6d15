// RTCP, RFC 3550 §6, RFC 4585 §6, RFC 5104 §4.3.1, RFC 5506: a compound packet walked block by block, and the few blocks we write.
#ifndef EG_RTCP_H
#define EG_RTCP_H

#include "base/base.h"
#include "base/bytes.h"

enum eg_rtcp_type {
    EG_RTCP_SR = 200,
    EG_RTCP_RR = 201,
    EG_RTCP_SDES = 202,
    EG_RTCP_BYE = 203,
    EG_RTCP_RTPFB = 205, // format 1: generic NACK, 15: transport-wide feedback
    EG_RTCP_PSFB = 206,  // format 1: PLI, 4: FIR, 15: REMB among others
};

enum {
    EG_RTCP_FORMAT_NACK = 1,
    EG_RTCP_FORMAT_TRANSPORT_CC = 15, // of RTPFB, read in transport_feedback.h
    EG_RTCP_FORMAT_PLI = 1,
    EG_RTCP_FORMAT_FIR = 4,
    EG_RTCP_FORMAT_ALFB = 15,         // of PSFB, application layer feedback: REMB is one, read in transport_feedback.h
};

// One block of a compound packet; `body` borrows from the datagram and is what follows the 4-byte common header, padding taken off.
struct eg_rtcp {
    uint8_t type;
    uint8_t count;          // report count or feedback format, 0..31
    const uint8_t *body;
    size_t body_size;       // [B]
};

struct eg_rtcp_iterator {
    struct eg_reader reader;
    bool malformed; // the walk ended at something that is not an RTCP block
};

// Walks a compound packet, or a reduced-size one (RFC 5506): any first block is accepted.
struct eg_rtcp_iterator eg__rtcp_iterator(const uint8_t *bytes, size_t size);
bool eg__rtcp_next(struct eg_rtcp_iterator *iterator, struct eg_rtcp *block);

struct eg_sender_info {
    uint32_t ssrc;
    uint64_t ntp;           // RFC 3550 §4: seconds since 1900 in 32.32 fixed point
    uint32_t rtp_timestamp;
    uint32_t packet_count;
    uint32_t octet_count;
};

struct eg_report_block {
    uint32_t ssrc;          // of the stream that is reported on
    uint8_t fraction_lost;  // of 256
    int32_t cumulative_lost;
    uint32_t highest_sequence; // extended
    uint32_t jitter;        // in units of the RTP clock
    uint32_t last_sr;       // middle 32 bits of an NTP time
    uint32_t delay_since_last_sr; // [1/65536 s]
};

// A feedback block (RFC 4585 §6.1); `fci` borrows from the datagram, too.
struct eg_rtcp_feedback {
    uint32_t sender_ssrc;
    uint32_t media_ssrc;
    const uint8_t *fci;
    size_t fci_size;        // [B]
};

struct eg_rtcp_nack {
    uint16_t packet_id;
    uint16_t bitmask;       // of the 16 that follow it
};

struct eg_rtcp_fir {
    uint32_t ssrc;
    uint8_t sequence;
};

// The sender's part of an SR block. False when it is too short.
bool eg__rtcp_parse_sender_info(struct eg_sender_info *info, const struct eg_rtcp *block);

// Report block `index` of an SR or RR. False when the block has no such report, whatever its count says.
bool eg__rtcp_parse_report(struct eg_report_block *report, const struct eg_rtcp *block, size_t index);

// What all feedback begins with. False when the block is none, or too short.
bool eg__rtcp_parse_feedback(struct eg_rtcp_feedback *feedback, const struct eg_rtcp *block);

// Entry `index` of a generic NACK. False past the last.
bool eg__rtcp_parse_nack(struct eg_rtcp_nack *nack, const struct eg_rtcp_feedback *feedback, size_t index);

// Entry `index` of a FIR. False past the last.
bool eg__rtcp_parse_fir(struct eg_rtcp_fir *fir, const struct eg_rtcp_feedback *feedback, size_t index);

// SSRC `index` of a BYE. False past the last.
bool eg__rtcp_parse_bye(const struct eg_rtcp *block, size_t index, uint32_t *ssrc);

// Writers append one block each; a compound that is sent starts with an SR or RR and holds an SDES with a CNAME (RFC 3550 §6.1).
void eg__rtcp_write_sender_report(struct eg_writer *writer, const struct eg_sender_info *info);
void eg__rtcp_write_receiver_report(struct eg_writer *writer, uint32_t ssrc); // no report blocks
void eg__rtcp_write_cname(struct eg_writer *writer, uint32_t ssrc, const char *cname);
void eg__rtcp_write_bye(struct eg_writer *writer, uint32_t ssrc);
// Blocks that a viewer sends, for tests and the load generator.
void eg__rtcp_write_nack(struct eg_writer *writer, uint32_t sender_ssrc, uint32_t media_ssrc, const struct eg_rtcp_nack *nack);
void eg__rtcp_write_report(struct eg_writer *writer, uint32_t ssrc, const struct eg_report_block *report); // an RR with one block
void eg__rtcp_write_pli(struct eg_writer *writer, uint32_t sender_ssrc, uint32_t media_ssrc);

// The round trip according to a report block (RFC 3550 §6.4.1) that arrives at NTP time `ntp_now`, in microseconds; 0 when it says nothing.
uint32_t eg__rtcp_round_trip(const struct eg_report_block *report, uint64_t ntp_now);

#endif
