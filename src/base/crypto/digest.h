// Digests, and random names that nobody guesses.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace jetlag::crypto {

// SHA-256 of bytes that come in pieces.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  void update(std::string_view bytes);
  // 64 hexadecimal digits; nothing may be added afterwards.
  std::string finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

std::string sha256(std::string_view bytes);
// Of a file; throws Error(io) if it cannot be read.
std::string sha256_of_file(const std::string& path);

// So many random bytes of the system, as hexadecimal digits.
std::string random_hex(std::size_t bytes);

// The bytes that a text in base64 stands for; what follows its last whole group is left out.
std::string from_base64(std::string_view text);

}  // namespace jetlag::crypto
