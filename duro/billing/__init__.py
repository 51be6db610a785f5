"""The brain: pure billing and recovery rules, standard library only, without clock or IO."""
