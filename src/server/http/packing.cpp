#include "server/http/packing.h"

#include <zlib.h>

#include <algorithm>

namespace jetlag::http {

namespace {

constexpr std::size_t short_answer = 2000;  // bytes: goes in two packets, whatever is done to it

// Whether a list of encodings has gzip in it, and does not forbid it: "br, gzip;q=0".
bool accepts_gzip(std::string_view list) {
  while (!list.empty()) {
    const std::string_view one = list.substr(0, list.find(','));
    list.remove_prefix(std::min(one.size() + 1, list.size()));
    const std::size_t name = std::min(one.find_first_not_of(' '), one.size());
    if (!one.substr(name).starts_with("gzip")) continue;
    const std::size_t quality = one.find("q=0");
    return quality == std::string_view::npos ||
           one.find_first_of("123456789", quality) != std::string_view::npos;
  }
  return false;
}

bool is_text(std::string_view type) {
  return type.starts_with("text/") || type == "application/json" || type == "application/msgpack";
}

// At the quickest level: most clients are on this machine, and wait for it.
std::string gzipped(const std::string& text) {
  constexpr int with_head_of_gzip = 16;
  constexpr int usual_memory = 8;
  z_stream stream{};
  const int begun = deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, MAX_WBITS + with_head_of_gzip,
                                 usual_memory, Z_DEFAULT_STRATEGY);
  JETLAG_CHECK(begun == Z_OK, "zlib says {}", begun);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int ended = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  JETLAG_CHECK(ended == Z_STREAM_END, "zlib says {}", ended);
  return out;
}

}  // namespace

Response packed(const Request& request, Response answer) {
  if (answer.stream || answer.body.size() < short_answer || answer.body.size() > UINT32_MAX / 2 ||
      !is_text(answer.type))
    return answer;
  answer.headers.emplace_back("Vary", "Accept-Encoding");
  if (!accepts_gzip(request.header("accept-encoding"))) return answer;
  answer.headers.emplace_back("Content-Encoding", "gzip");
  answer.body = gzipped(answer.body);
  return answer;
}

}  // namespace jetlag::http
