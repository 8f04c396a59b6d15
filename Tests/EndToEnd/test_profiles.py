"""H.264 profiles between a stream and an offer."""

import rtp
import whep


def test_a_high_profile_stream_is_refused_to_one_that_plays_baseline_only(server, feed, library):
    status = feed("high", rtp.played(library.copyable()))
    assert status["format"]["profile"] == "High"
    offer = whep.offer(codec="H264", kinds=("video",))
    assert "profile-level-id=42" in offer and "profile-level-id=64" not in offer
    response = server.post_offer("high", offer)
    assert response.status == 422
    print(f"\n{response.detail}")
    assert "High" in response.detail
    assert "aseline" in response.detail
    assert server.stream("high")["viewers"] == 0
