// As cegress.h might have been some releases ago, for a program that was built against it (test_old_header.c): fewer reasons for drops, and of
// each struct not yet the last fields. Beside it in that program no other header of the library's is read.
#ifndef EG_OLD_CEGRESS_H
#define EG_OLD_CEGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct eg_engine eg_engine;

struct eg_error {
    int32_t status;
    int32_t system_error;
    char message[248];
};

struct eg_config {
    const char *udp_address;
    uint16_t udp_port;
    uint16_t source_port_min;
    uint16_t source_port_max;
    int32_t io;
    const char *crypto;
    uint32_t workers;
    uint32_t streams_max;
};

struct eg_hooks {
    void *context;
};

struct eg_engine_info {
    uint16_t udp_port;
    uint32_t workers;
    int32_t io;
};

struct eg_stream_config {
    bool has_video;
    bool has_audio;
    uint8_t video_payload_type;
    uint8_t audio_payload_type;
};

struct eg_stream_info {
    uint64_t stream;
    uint16_t video_port;
};

struct eg_viewer_config {
    uint64_t stream;
    const char *ice_ufrag;
    const char *ice_pwd;
    const char *fingerprint;
    bool has_video;
    bool has_audio;
    bool has_video_rtx;
    uint8_t video_payload_type;
    uint8_t video_rtx_payload_type;
    uint8_t audio_payload_type;
};

struct eg_viewer_info {
    uint64_t viewer;
    char ice_ufrag[9];
    char ice_pwd[25];
};

enum { EG_DROP_UNKNOWN = 9, EG_DROP_COUNT = 20 };

struct eg_engine_stats {
    uint32_t streams;
    uint32_t viewers;
    uint32_t viewers_connected;
    uint32_t handshakes;
    uint64_t viewers_created;
    uint64_t handshakes_done;
    uint64_t handshakes_failed;
    uint64_t closed[16];
};

struct eg_source_stats {
    bool active;
    uint64_t packets;
    uint64_t bytes;
    uint64_t lost;
    uint64_t restarts;
    uint64_t bytes_stored;
    uint32_t bit_rate;
};

struct eg_stream_stats {
    struct eg_source_stats video;
    struct eg_source_stats audio;
    uint8_t format[8];
    uint32_t viewers;
};

struct eg_viewer_stats {
    uint64_t stream;
    int32_t state;
};

struct eg_probe {
    bool io_uring;
};

int32_t eg_engine_create_sized(const struct eg_config *config, size_t config_size, const struct eg_hooks *hooks, size_t hooks_size,
                               eg_engine **engine, struct eg_error *error);
void eg_engine_destroy(eg_engine *engine);
void eg_engine_info_sized(const eg_engine *engine, struct eg_engine_info *info, size_t info_size);
int32_t eg_stream_create_sized(eg_engine *engine, const struct eg_stream_config *config, size_t config_size, struct eg_stream_info *info,
                               size_t info_size, struct eg_error *error);
int32_t eg_viewer_create_sized(eg_engine *engine, const struct eg_viewer_config *config, size_t config_size, struct eg_viewer_info *info,
                               size_t info_size, struct eg_error *error);
int32_t eg_viewer_restart_ice_sized(eg_engine *engine, uint64_t viewer, const char *ice_ufrag, const char *ice_pwd,
                                    struct eg_viewer_info *info, size_t info_size, struct eg_error *error);
int32_t eg_engine_stats_sized(eg_engine *engine, struct eg_engine_stats *stats, size_t stats_size);
int32_t eg_stream_stats_sized(eg_engine *engine, uint64_t stream, struct eg_stream_stats *stats, size_t stats_size);
int32_t eg_viewer_stats_sized(eg_engine *engine, uint64_t viewer, struct eg_viewer_stats *stats, size_t stats_size);
void eg_probe_sized(struct eg_probe *probe, size_t probe_size);

#endif
