#pragma once

/// How many descriptors this process may have.
namespace bench {

/// Allows it as many as the system lets it have; returns how many that are.
unsigned long allow_more_descriptors();

/// How many it may have now.
unsigned long allowed_descriptors();

}  // namespace bench
