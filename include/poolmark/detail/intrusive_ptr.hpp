#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace poolmark::detail {

/// An object that counts its owners and destroys itself when the last one lets go.
class RefCounted {
 public:
  RefCounted(const RefCounted&) = delete;
  RefCounted& operator=(const RefCounted&) = delete;

  // Relaxed: a new owner already has the object from an old one; nothing is published.
  void add_ref() const noexcept { refs_.fetch_add(1, std::memory_order_relaxed); }

  // Release so that this owner's last use comes before the destruction; acquire so that the
  // destruction comes after every other owner's last use.
  void drop_ref() const noexcept {
    if (count_down()) delete this;
  }

  /// Drops a reference that may be the last; true if it was, and the destruction is the caller's.
  bool count_down() const noexcept { return refs_.fetch_sub(1, std::memory_order_acq_rel) == 1; }

  /// Adds an owner unless the last one has let go; for who knows of the object without owning it.
  bool try_add_ref() const noexcept {
    std::uint32_t owners = refs_.load(std::memory_order_relaxed);
    while (owners != 0) {
      // Acquire: as if the reference came from an owner.
      if (refs_.compare_exchange_weak(owners, owners + 1, std::memory_order_acquire,
                                      std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }

  /// True if the caller holds the only reference. Acquire: everything former owners did is visible.
  bool is_unique() const noexcept { return refs_.load(std::memory_order_acquire) == 1; }

 protected:
  explicit RefCounted(std::uint32_t owners = 0) noexcept : refs_(owners) {}
  virtual ~RefCounted() = default;

 private:
  mutable std::atomic<std::uint32_t> refs_;
};

/// A counted reference to a RefCounted object.
template <class T>
class IntrusivePtr {
 public:
  IntrusivePtr() = default;
  explicit IntrusivePtr(T* object) noexcept : object_(object) {
    if (object_ != nullptr) object_->add_ref();
  }
  IntrusivePtr(const IntrusivePtr& other) noexcept : IntrusivePtr(other.object_) {}
  IntrusivePtr(IntrusivePtr&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  template <class U>
    requires std::is_convertible_v<U*, T*>
  IntrusivePtr(IntrusivePtr<U> other) noexcept
      : object_(other.release()) {}  // NOLINT: implicit upcast
  IntrusivePtr& operator=(IntrusivePtr other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~IntrusivePtr() {
    if (object_ != nullptr) object_->drop_ref();
  }

  T* get() const noexcept { return object_; }
  T& operator*() const noexcept { return *object_; }
  T* operator->() const noexcept { return object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }
  bool operator==(const IntrusivePtr&) const = default;

  /// Gives the reference away uncounted; adopt() takes it back.
  [[nodiscard]] T* release() noexcept { return std::exchange(object_, nullptr); }
  static IntrusivePtr adopt(T* object) noexcept {
    IntrusivePtr adopted;
    adopted.object_ = object;
    return adopted;
  }

 private:
  T* object_ = nullptr;
};

template <class T, class... Args>
IntrusivePtr<T> make_intrusive(Args&&... args) {
  return IntrusivePtr<T>(new T(std::forward<Args>(args)...));
}

}  // namespace poolmark::detail
