// A whole engine fed from a script: each step is an operation, a length and that many bytes. Nothing a peer or a sender can say may break it,
// and whatever it was told, removing everything leaves nothing behind.
#include "fuzz.h"

#include "base/bytes.h"
#include "core/core.h"
#include "wire/stun.h"

#include <stdlib.h>
#include <string.h>

enum { STEPS_MAX = 64, VIEWERS_MAX = 4 };

struct counting_random {
    struct eg_random random; // first
    uint8_t next;
};

static void fill(struct eg_random *self, uint8_t *bytes, size_t size) {
    struct counting_random *random = (struct counting_random *)self;
    for (size_t i = 0; i < size; i++) bytes[i] = random->next++;
}

struct machine {
    struct eg_core *core;
    struct eg_batch batch;
    eg_handle stream;
    struct eg_viewer_info viewers[VIEWERS_MAX];
    unsigned viewer_count;
    eg_time now;
};

static void settle(struct machine *machine) {
    struct eg_event event;
    eg__core_tick(machine->core, machine->now, &machine->batch);
    bool has_more = true;
    for (int i = 0; has_more; i++) {
        EG_ASSERT(i < 10000);
        eg__batch_clear(&machine->batch);
        has_more = eg__core_transmit(machine->core, machine->now, &machine->batch);
        if (has_more) continue;
        eg__batch_clear(&machine->batch);
        has_more = eg__core_advance_handshakes(machine->core, machine->now, &machine->batch);
    }
    eg__batch_clear(&machine->batch);
    while (eg__core_poll_event(machine->core, &event)) continue;
}

static void add_viewer(struct machine *machine) {
    if (machine->viewer_count == VIEWERS_MAX) return;
    struct eg_viewer_config config = {
        .stream = machine->stream,
        .ice_ufrag = "ufrag",
        .ice_pwd = "abcdefghijklmnopqrstuvwx",
        .fingerprint = "sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F",
        .has_video = true,
        .has_audio = true,
        .video_payload_type = 102,
        .audio_payload_type = 111,
    };
    if (eg__core_add_viewer(machine->core, machine->now, &config, &machine->viewers[machine->viewer_count], NULL) == EG_STATUS_OK)
        machine->viewer_count++;
}

// An authenticated check of a viewer's, so that what the script says next may be DTLS of an address that counts.
static void check(struct machine *machine, const struct eg_path *path, uint8_t which) {
    if (machine->viewer_count == 0) return;
    const struct eg_viewer_info *viewer = &machine->viewers[which % machine->viewer_count];
    uint8_t bytes[256];
    uint8_t transaction_id[EG_STUN_TRANSACTION_ID_SIZE] = {which};
    struct eg_writer writer = eg__writer(bytes, sizeof bytes);
    eg__stun_begin(&writer, EG_STUN_BINDING_REQUEST, transaction_id);
    eg__stun_write_username(&writer, viewer->ice_ufrag, strlen(viewer->ice_ufrag), "ufrag", 5);
    eg__stun_write_ice_controlling(&writer, 1);
    if (which & 1) eg__stun_write_use_candidate(&writer);
    size_t size = eg__stun_finish(&writer, viewer->ice_pwd, strlen(viewer->ice_pwd));
    struct eg_arrival arrival = {.path = *path, .bytes = bytes, .size = size, .at = machine->now};
    eg__core_receive_viewer(machine->core, &arrival, &machine->batch);
}

static void begin_stream(struct machine *machine, eg_codec video, eg_codec audio) {
    struct eg_stream_config config = {
        .has_video = true,
        .has_audio = true,
        .video_payload_type = 102,
        .audio_payload_type = 111,
        .video_codec = video,
        .audio_codec = audio,
    };
    if (eg__core_add_stream(machine->core, &config, &machine->stream, NULL) != EG_STATUS_OK) abort();
}

// The stream ends with its viewers, and one in other codecs begins.
static void change_codecs(struct machine *machine, uint8_t which) {
    eg__core_remove_stream(machine->core, machine->now, machine->stream);
    settle(machine);
    machine->viewer_count = 0;
    begin_stream(machine, (eg_codec)(which % (EG_CODEC_AV1 + 1)), (eg_codec)(EG_CODEC_OPUS + which / 8 % 4));
}

static void step(struct machine *machine, uint8_t operation, const uint8_t *bytes, size_t size) {
    struct eg_arrival arrival = {.path = {.local = eg__addr_ipv4(127, 0, 0, 1, 8189), .remote = eg__addr_ipv4(127, 0, 0, 2, operation >> 4)},
                                 .bytes = bytes, .size = size, .at = machine->now};
    uint8_t argument = size > 0 ? bytes[0] : 0;
    switch (operation & 7) {
    case 0:
        add_viewer(machine);
        break;
    case 1:
        check(machine, &arrival.path, argument);
        break;
    case 2:
        eg__core_receive_viewer(machine->core, &arrival, &machine->batch);
        break;
    case 3:
        eg__core_receive_source(machine->core, machine->stream, EG_AUDIO, &arrival);
        break;
    case 4:
        eg__core_receive_source(machine->core, machine->stream, EG_VIDEO, &arrival);
        break;
    case 5:
        machine->now += (eg_time)argument * 10 * EG_MILLISECOND;
        break;
    case 6:
        if (machine->viewer_count > 0)
            eg__core_close_viewer(machine->core, machine->now, machine->viewers[argument % machine->viewer_count].viewer, EG_CLOSE_REQUESTED);
        break;
    case 7:
        if ((operation & 8) != 0) change_codecs(machine, argument);
        else machine->now += argument;
        break;
    }
    settle(machine);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct counting_random random = {.random.fill = fill};
    struct eg_core_config config = {
        .streams_max = 1,
        .viewers_max = VIEWERS_MAX,
        .burst_bit_rate_max = 16000000,
        .burst_bit_rate_all_max = 16000000,
        .source_grace = EG_SECOND,
        .handshakes_max = 2, // of three viewers
        .handshakes_per_address_max = 1,
        .crypto = "openssl",
    };
    static struct machine machine;
    machine = (struct machine){.core = eg__core_create(&config, &random.random, NULL), .now = EG_SECOND};
    if (machine.core == NULL || !eg__batch_init(&machine.batch)) abort();
    begin_stream(&machine, EG_CODEC_DEFAULT, EG_CODEC_DEFAULT);
    struct eg_reader reader = eg__reader(data, size);
    for (int i = 0; i < STEPS_MAX && eg__reader_left(&reader) >= 3; i++) {
        uint8_t operation = eg__read_u8(&reader);
        uint16_t length = eg__read_u16(&reader);
        if (length > eg__reader_left(&reader)) length = (uint16_t)eg__reader_left(&reader);
        step(&machine, operation, eg__read_bytes(&reader, length), length);
    }
    eg__core_remove_stream(machine.core, machine.now, machine.stream);
    settle(&machine);
    struct eg_engine_stats stats;
    eg__core_stats(machine.core, &stats);
    EG_ASSERT(stats.viewers == 0 && stats.streams == 0);
    eg__batch_deinit(&machine.batch);
    eg__core_destroy(machine.core);
    return 0;
}
