// How people write the names of codecs.

const names = { h264: "H.264", h265: "H.265", vp8: "VP8", vp9: "VP9", av1: "AV1" };

// Of the API's name of a codec, or of the subtype of a browser's MIME type. What is not known stays as it is.
export function codecName(name) {
  return names[name.toLowerCase()] ?? name;
}
