// In memory:
//
//   code sections | stubs || constants | slots
//
// The part before || can be run, the part after it read; neither can be written any more. A stub
// jumps to a function that is too far away for a call, through its slot, which holds the address.
#include "compiler/jit/object.h"

#include <elf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <map>
#include <span>

#include "base/error.h"
#include "base/text.h"
#include "compiler/jit/relocations.h"

namespace jetlag::jit {

namespace {

[[noreturn]] void refuse(const std::string& why) {
  throw Error(Kind::runtime, format("object code cannot be linked: {}", why));
}

constexpr std::uint64_t largest_memory = std::uint64_t{1} << 28;
constexpr std::uint64_t largest_alignment = 4096;

std::uint64_t aligned(std::uint64_t n, std::uint64_t to) { return (n + to - 1) / to * to; }

// The tables of an object, each looked up within its bounds.
class Elf {
 public:
  explicit Elf(std::string_view bytes) : bytes_(bytes) {
    const auto header = read<Elf64_Ehdr>(0);
    if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) refuse("it is not ELF");
    if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
        header.e_type != ET_REL || header.e_machine != static_cast<std::uint16_t>(this_processor) ||
        header.e_shentsize != sizeof(Elf64_Shdr)) {
      refuse("it is of another kind of machine or file");
    }
    for (std::uint64_t i = 0; i < header.e_shnum; ++i) {
      sections_.push_back(read<Elf64_Shdr>(header.e_shoff, i));
    }
    if (header.e_shstrndx >= sections_.size()) refuse("sections have no names");
    names_ = header.e_shstrndx;
    for (std::size_t i = 0; i < sections_.size(); ++i) {
      if (sections_[i].sh_type == SHT_SYMTAB) symbols_ = i;
    }
    if (symbols_ == 0) refuse("it has no symbols");
  }

  const std::vector<Elf64_Shdr>& sections() const { return sections_; }
  std::size_t symbol_table() const { return symbols_; }

  std::string_view contents(std::size_t section) const {
    const Elf64_Shdr& s = sections_.at(section);
    if (s.sh_type == SHT_NOBITS) return {};
    if (s.sh_offset > bytes_.size() || s.sh_size > bytes_.size() - s.sh_offset) {
      refuse("a section lies outside of the file");
    }
    return bytes_.substr(s.sh_offset, s.sh_size);
  }

  std::string_view section_name(std::size_t section) const {
    return text(names_, sections_.at(section).sh_name);
  }

  std::uint64_t symbol_count() const { return contents(symbols_).size() / sizeof(Elf64_Sym); }
  Elf64_Sym symbol(std::uint64_t i) const {
    if (i >= symbol_count()) refuse("a symbol is not in its table");
    return read<Elf64_Sym>(sections_[symbols_].sh_offset, i);
  }
  std::string_view symbol_name(const Elf64_Sym& s) const {
    return text(sections_[symbols_].sh_link, s.st_name);
  }

  std::uint64_t relocation_count(std::size_t section) const {
    return contents(section).size() / sizeof(Elf64_Rela);
  }
  Elf64_Rela relocation(std::size_t section, std::uint64_t i) const {
    return read<Elf64_Rela>(sections_[section].sh_offset, i);
  }

 private:
  template <class T>
  T read(std::uint64_t offset, std::uint64_t i = 0) const {
    const std::uint64_t n = bytes_.size();
    if (offset > n || i > n / sizeof(T) || (i + 1) * sizeof(T) > n - offset) {
      refuse("it is cut off");
    }
    T value;
    std::memcpy(&value, bytes_.data() + offset + i * sizeof(T), sizeof value);
    return value;
  }

  std::string_view text(std::uint64_t table, std::uint64_t offset) const {
    if (table >= sections_.size()) refuse("a table of names is missing");
    const std::string_view all = contents(table);
    const std::size_t end = offset < all.size() ? all.find('\0', offset) : all.npos;
    if (end == all.npos) refuse("a name is not in its table");
    return all.substr(offset, end - offset);
  }

  std::string_view bytes_;
  std::vector<Elf64_Shdr> sections_;
  std::size_t names_ = 0, symbols_ = 0;
};

}  // namespace

class Placing {
 public:
  Placing(std::string_view bytes, const PlacedObject::Resolve& resolve, PlacedObject& placed)
      : elf_(bytes), resolve_(resolve), placed_(placed), places_(elf_.sections().size(), nowhere) {}

  void run() {
    find_far_symbols();
    lay_out();
    reserve();
    copy();
    fill_slots();
    for (const std::size_t table : relocations_) relocate_section(table);
    name_functions();
    protect();
  }

 private:
  static constexpr std::uint64_t nowhere = ~std::uint64_t{0};

  // Where stub and slot of a symbol are, from the beginning of their parts.
  struct Far {
    std::uint64_t number;
    void* address;
  };

  bool is_placed(std::size_t section) const {
    const Elf64_Shdr& s = elf_.sections()[section];
    // Nothing is thrown through this code.
    return (s.sh_flags & SHF_ALLOC) != 0 && elf_.section_name(section) != ".eh_frame";
  }

  void find_far_symbols() {
    for (std::size_t i = 0; i < elf_.sections().size(); ++i) {
      const Elf64_Shdr& s = elf_.sections()[i];
      if (s.sh_type != SHT_RELA && s.sh_type != SHT_REL) continue;
      if (s.sh_info >= elf_.sections().size()) refuse("relocations are of no section");
      if (!is_placed(s.sh_info)) continue;
      if (s.sh_type == SHT_REL || s.sh_link != elf_.symbol_table()) {
        refuse("relocations have an unknown form");
      }
      relocations_.push_back(i);
      for (std::uint64_t k = 0; k < elf_.relocation_count(i); ++k) {
        const Elf64_Rela r = elf_.relocation(i, k);
        const std::uint32_t kind = ELF64_R_TYPE(r.r_info);
        const auto what = needs(this_processor, kind);
        if (!what) refuse(format("relocation {} is not known", kind));
        const Elf64_Sym symbol = elf_.symbol(ELF64_R_SYM(r.r_info));
        const bool outside = symbol.st_shndx == SHN_UNDEF;
        if (*what == Needs::slot || (*what == Needs::call && outside)) {
          far_.try_emplace(ELF64_R_SYM(r.r_info), Far{far_.size(), nullptr});
        }
      }
    }
  }

  void lay_out() {
    std::uint64_t at = 0;
    at = place(at, true);
    stubs_ = aligned(at, stub_bytes);
    at = stubs_ + far_.size() * stub_bytes;
    constants_ = aligned(at, static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)));
    at = place(constants_, false);
    slots_ = aligned(at, sizeof(void*));
    size_ = slots_ + far_.size() * sizeof(void*);
    if (size_ == 0) refuse("it is empty");
  }

  // Gives sections their places, from `at` on; gives where the next one may lie.
  std::uint64_t place(std::uint64_t at, bool code) {
    for (std::size_t i = 0; i < elf_.sections().size(); ++i) {
      const Elf64_Shdr& s = elf_.sections()[i];
      if (!is_placed(i) || ((s.sh_flags & SHF_EXECINSTR) != 0) != code) continue;
      const bool constant = elf_.section_name(i).starts_with(".data.rel.ro");
      if ((s.sh_flags & SHF_TLS) != 0 || ((s.sh_flags & SHF_WRITE) != 0 && !constant)) {
        refuse("it has data that is written");
      }
      const std::uint64_t alignment = std::max<std::uint64_t>(s.sh_addralign, 1);
      if (alignment > largest_alignment || (alignment & (alignment - 1)) != 0) {
        refuse("a section is aligned in an unknown way");
      }
      places_[i] = aligned(at, alignment);
      if (places_[i] > largest_memory || s.sh_size > largest_memory - places_[i])
        refuse("it is too large");
      at = places_[i] + s.sh_size;
    }
    return at;
  }

  void reserve() {
    void* memory = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) refuse("there is no memory");
    placed_.memory_ = static_cast<std::byte*>(memory);
    placed_.size_ = size_;
  }

  void copy() {
    for (std::size_t i = 0; i < places_.size(); ++i) {
      if (places_[i] == nowhere) continue;
      const std::string_view from = elf_.contents(i);
      if (!from.empty()) std::memcpy(placed_.memory_ + places_[i], from.data(), from.size());
    }
  }

  std::uint64_t address(std::uint64_t offset) const {
    return reinterpret_cast<std::uint64_t>(placed_.memory_) + offset;
  }
  std::span<std::byte> bytes(std::uint64_t offset, std::uint64_t n) const {
    return {placed_.memory_ + offset, n};
  }
  std::uint64_t slot_of(const Far& far) const { return slots_ + far.number * sizeof(void*); }
  std::uint64_t stub_of(const Far& far) const { return stubs_ + far.number * stub_bytes; }

  void fill_slots() {
    for (auto& [number, far] : far_) {
      const std::uint64_t target = address_of(elf_.symbol(number));
      std::memcpy(placed_.memory_ + slot_of(far), &target, sizeof target);
      if (!write_stub(this_processor, bytes(stub_of(far), stub_bytes), address(stub_of(far)),
                      address(slot_of(far)))) {
        refuse("a stub is too far from its slot");
      }
    }
  }

  std::uint64_t address_of(const Elf64_Sym& symbol) const {
    if (symbol.st_shndx == SHN_UNDEF) {
      const std::string name(elf_.symbol_name(symbol));
      void* found = name.empty() ? nullptr : resolve_(name);
      if (!found) refuse(format("there is no {}", name.empty() ? "symbol without a name" : name));
      return reinterpret_cast<std::uint64_t>(found);
    }
    if (symbol.st_shndx >= places_.size() || places_[symbol.st_shndx] == nowhere ||
        symbol.st_value > elf_.sections()[symbol.st_shndx].sh_size) {
      refuse("a symbol lies nowhere");
    }
    return address(places_[symbol.st_shndx] + symbol.st_value);
  }

  std::uint64_t target_of(std::uint64_t number, Needs what) const {
    if (what == Needs::nothing) return 0;
    if (const auto at = far_.find(number); at != far_.end() && what != Needs::address) {
      if (what == Needs::slot) return address(slot_of(at->second));
      if (elf_.symbol(number).st_shndx == SHN_UNDEF) return address(stub_of(at->second));
    }
    return address_of(elf_.symbol(number));
  }

  void relocate_section(std::size_t table) {
    const std::size_t section = elf_.sections()[table].sh_info;
    const std::uint64_t size = elf_.sections()[section].sh_size;
    for (std::uint64_t k = 0; k < elf_.relocation_count(table); ++k) {
      const Elf64_Rela r = elf_.relocation(table, k);
      if (r.r_offset > size) refuse("a relocation lies outside of its section");
      const std::uint32_t kind = ELF64_R_TYPE(r.r_info);
      const std::uint64_t at = places_[section] + r.r_offset;
      const std::uint64_t target = target_of(ELF64_R_SYM(r.r_info), *needs(this_processor, kind)) +
                                   static_cast<std::uint64_t>(r.r_addend);
      if (!relocate(this_processor, kind, bytes(at, size - r.r_offset), address(at), target)) {
        refuse(format("relocation {} cannot reach", kind));
      }
    }
  }

  void name_functions() {
    for (std::uint64_t i = 0; i < elf_.symbol_count(); ++i) {
      const Elf64_Sym s = elf_.symbol(i);
      const bool global = ELF64_ST_BIND(s.st_info) != STB_LOCAL && s.st_shndx != SHN_UNDEF;
      if (!global || ELF64_ST_TYPE(s.st_info) != STT_FUNC) continue;
      const std::uint64_t begin = address_of(s);
      const Elf64_Shdr& section = elf_.sections()[s.st_shndx];
      if ((section.sh_flags & SHF_EXECINSTR) == 0 || s.st_value >= section.sh_size) {
        refuse("a function lies where no code is");
      }
      placed_.functions_.emplace_back(elf_.symbol_name(s), reinterpret_cast<void*>(begin));
    }
  }

  void protect() {
    std::byte* memory = placed_.memory_;
    const bool good =
        (constants_ == 0 || mprotect(memory, constants_, PROT_READ | PROT_EXEC) == 0) &&
        (constants_ == size_ || mprotect(memory + constants_, size_ - constants_, PROT_READ) == 0);
    if (!good) refuse("memory cannot be made executable");
    __builtin___clear_cache(reinterpret_cast<char*>(memory),
                            reinterpret_cast<char*>(memory + constants_));
  }

  Elf elf_;
  const PlacedObject::Resolve& resolve_;
  PlacedObject& placed_;
  std::vector<std::uint64_t> places_;  // of sections
  std::vector<std::size_t> relocations_;
  std::map<std::uint64_t, Far> far_;  // by the number of the symbol
  std::uint64_t stubs_ = 0, constants_ = 0, slots_ = 0, size_ = 0;
};

PlacedObject::PlacedObject(std::string_view bytes, const Resolve& resolve) {
  try {
    Placing(bytes, resolve, *this).run();
  } catch (...) {
    if (memory_) munmap(memory_, size_);
    throw;
  }
}

PlacedObject::~PlacedObject() { munmap(memory_, size_); }

void* PlacedObject::find(std::string_view symbol) const {
  for (const auto& [name, address] : functions_) {
    if (name == symbol) return address;
  }
  return nullptr;
}

}  // namespace jetlag::jit
