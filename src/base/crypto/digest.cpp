#include "base/crypto/digest.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <vector>

#include "base/error.h"

namespace jetlag::crypto {

namespace {

std::string hex(const unsigned char* bytes, std::size_t size) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * size);
  for (std::size_t i = 0; i < size; ++i) {
    text += digits[bytes[i] >> 4];
    text += digits[bytes[i] & 15];
  }
  return text;
}

constexpr std::size_t piece = 1 << 20;
constexpr std::size_t file_piece = 4 << 20;

}  // namespace

struct Sha256::Context {
  EVP_MD_CTX* digest = EVP_MD_CTX_new();
  ~Context() { EVP_MD_CTX_free(digest); }
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  JETLAG_CHECK(EVP_DigestInit_ex(context_->digest, EVP_sha256(), nullptr) == 1, "no SHA-256");
}

Sha256::~Sha256() = default;

void Sha256::update(std::string_view bytes) {
  EVP_DigestUpdate(context_->digest, bytes.data(), bytes.size());
}

std::string Sha256::finish_bytes() {
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_DigestFinal_ex(context_->digest, bytes, &size);
  return {reinterpret_cast<const char*>(bytes), size};
}

std::string Sha256::finish() {
  const std::string bytes = finish_bytes();
  return hex(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

std::string sha256(std::string_view bytes) {
  Sha256 digest;
  digest.update(bytes);
  return digest.finish();
}

FileDigest::FileDigest() { root_.update({"\1", 1}); }

void FileDigest::update(std::string_view bytes) {
  while (!bytes.empty()) {
    if (!leaf_) {
      leaf_.emplace();
      leaf_->update({"\0", 1});
      room_ = file_piece;
    }
    const std::string_view part = bytes.substr(0, room_);
    leaf_->update(part);
    bytes.remove_prefix(part.size());
    room_ -= part.size();
    if (room_ == 0) end_leaf();
  }
}

void FileDigest::end_leaf() {
  root_.update(leaf_->finish_bytes());
  leaf_.reset();
}

std::string FileDigest::finish() {
  if (leaf_) end_leaf();
  return root_.finish();
}

std::string file_digest(std::string_view bytes) {
  FileDigest digest;
  digest.update(bytes);
  return digest.finish();
}

std::string digest_of_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  FileDigest digest;
  std::vector<char> buffer(piece);
  while (in) {
    in.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    digest.update({buffer.data(), static_cast<std::size_t>(in.gcount())});
  }
  if (!in.eof()) throw Error(Kind::io, format("cannot read {}: {}", path, std::strerror(errno)));
  return digest.finish();
}

std::string random_hex(std::size_t bytes) {
  std::vector<unsigned char> random(bytes);
  JETLAG_CHECK(RAND_bytes(random.data(), static_cast<int>(bytes)) == 1, "no random bytes");
  return hex(random.data(), bytes);
}

std::string from_base64(std::string_view text) {
  text = text.substr(0, text.size() / 4 * 4);
  std::string bytes(text.size() / 4 * 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  std::size_t padding = 0;
  while (padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  bytes.resize(size < 0 ? 0 : static_cast<std::size_t>(size) - padding);
  return bytes;
}

}  // namespace jetlag::crypto
