// Digests, and random names that nobody guesses.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
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
  // The same, as 32 bytes.
  std::string finish_bytes();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

std::string sha256(std::string_view bytes);

// What a file of jobs is called by. A leaf is SHA-256(00 piece) for each piece of 4 MiB, the last
// may be shorter; the digest is SHA-256(01 leaf leaf …), so that threads can share the work. The
// same rule is in python/jetlag/jobs/digest.py.
class FileDigest {
 public:
  FileDigest();
  void update(std::string_view bytes);
  // 64 hexadecimal digits; nothing may be added afterwards.
  std::string finish();

 private:
  void end_leaf();

  Sha256 root_;
  std::optional<Sha256> leaf_;
  std::size_t room_ = 0;
};

// Of bytes; of a file: throws Error(io) if it cannot be read.
std::string file_digest(std::string_view bytes);
std::string digest_of_file(const std::string& path);

// So many random bytes of the system, as hexadecimal digits.
std::string random_hex(std::size_t bytes);

// The bytes that a text in base64 stands for; what follows its last whole group is left out.
std::string from_base64(std::string_view text);

}  // namespace jetlag::crypto
