#pragma once

#include <cereal/cereal.hpp>
#include <cereal/types/array.hpp>
#include <cereal/types/bitset.hpp>
#include <cereal/types/chrono.hpp>
#include <cereal/types/complex.hpp>
#include <cereal/types/deque.hpp>
#include <cereal/types/forward_list.hpp>
#include <cereal/types/list.hpp>
#include <cereal/types/map.hpp>
#include <cereal/types/memory.hpp>
#include <cereal/types/optional.hpp>
#include <cereal/types/set.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/tuple.hpp>
#include <cereal/types/unordered_map.hpp>
#include <cereal/types/unordered_set.hpp>
#include <cereal/types/utility.hpp>
#include <cereal/types/variant.hpp>
#include <cereal/types/vector.hpp>
#include <cstddef>
#include <type_traits>

#include "poolmark/detail/trivially_copyable.hpp"
#include "poolmark/detail/wire_stream.hpp"

// cereal's archives over WireWriter and WireReader. Both ends are the same program in memory, so
// values go as they are: no byte order, no versions, no stream.

// What every archive here can do. cereal finds these functions, whose names are its own, through
// the base classes of the archive: a namespace apart, so that asking an AskingSaver whether cereal
// knows a type never leads to the fallback for plain structs, which asks that very question.
namespace poolmark::detail::archive_basics {

struct Saver {};
struct Loader {};

template <class A>
concept AnySaver = std::is_base_of_v<Saver, A>;
template <class A>
concept AnyLoader = std::is_base_of_v<Loader, A>;

class AskingSaver : public Saver,
                    public cereal::OutputArchive<AskingSaver, cereal::AllowEmptyClassElision> {
 public:
  AskingSaver() : OutputArchive(this) {}
  void saveBinary(const void*, std::size_t) {}
};

class AskingLoader : public Loader,
                     public cereal::InputArchive<AskingLoader, cereal::AllowEmptyClassElision> {
 public:
  AskingLoader() : InputArchive(this) {}
  void loadBinary(void*, std::size_t) {}
};

template <AnySaver A, class T>
  requires std::is_arithmetic_v<T>
void CEREAL_SAVE_FUNCTION_NAME(A& archive, const T& value) {
  archive.saveBinary(&value, sizeof value);
}

template <AnyLoader A, class T>
  requires std::is_arithmetic_v<T>
void CEREAL_LOAD_FUNCTION_NAME(A& archive, T& value) {
  archive.loadBinary(&value, sizeof value);
}

template <class A, class T>
  requires(AnySaver<A> || AnyLoader<A>)
void CEREAL_SERIALIZE_FUNCTION_NAME(A& archive, cereal::NameValuePair<T>& pair) {
  archive(pair.value);
}

template <class A, class T>
  requires(AnySaver<A> || AnyLoader<A>)
void CEREAL_SERIALIZE_FUNCTION_NAME(A& archive, cereal::SizeTag<T>& tag) {
  archive(tag.size);
}

template <AnySaver A, class T>
void CEREAL_SAVE_FUNCTION_NAME(A& archive, const cereal::BinaryData<T>& data) {
  archive.saveBinary(data.data, static_cast<std::size_t>(data.size));
}

template <AnyLoader A, class T>
void CEREAL_LOAD_FUNCTION_NAME(A& archive, cereal::BinaryData<T>& data) {
  archive.loadBinary(data.data, static_cast<std::size_t>(data.size));
}

}  // namespace poolmark::detail::archive_basics

CEREAL_SETUP_ARCHIVE_TRAITS(poolmark::detail::archive_basics::AskingLoader,
                            poolmark::detail::archive_basics::AskingSaver)

namespace poolmark::detail {

class SavingArchive : public archive_basics::Saver,
                      public cereal::OutputArchive<SavingArchive, cereal::AllowEmptyClassElision> {
 public:
  explicit SavingArchive(WireWriter& to) : OutputArchive(this), to_(to) {}
  void saveBinary(const void* data, std::size_t size) { to_.put_bytes(data, size); }

 private:
  WireWriter& to_;
};

class LoadingArchive : public archive_basics::Loader,
                       public cereal::InputArchive<LoadingArchive, cereal::AllowEmptyClassElision> {
 public:
  explicit LoadingArchive(WireReader& from) : InputArchive(this), from_(from) {}
  void loadBinary(void* data, std::size_t size) { from_.get_bytes(data, size); }

 private:
  WireReader& from_;
};

/// A plain struct for which cereal has no function: its bytes are its value. (Having one of the two
/// is enough to be known: cereal wraps pointers in helpers that only save or only load.)
template <class T>
concept PlainStruct =
    std::is_class_v<T> && kTriviallyCopyable<T> &&
    !cereal::traits::is_output_serializable<T, archive_basics::AskingSaver>::value &&
    !cereal::traits::is_input_serializable<T, archive_basics::AskingLoader>::value;

template <PlainStruct T>
void CEREAL_SAVE_FUNCTION_NAME(SavingArchive& archive, const T& value) {
  archive.saveBinary(&value, sizeof value);
}

template <PlainStruct T>
void CEREAL_LOAD_FUNCTION_NAME(LoadingArchive& archive, T& value) {
  archive.loadBinary(&value, sizeof value);
}

}  // namespace poolmark::detail

CEREAL_SETUP_ARCHIVE_TRAITS(poolmark::detail::LoadingArchive, poolmark::detail::SavingArchive)
