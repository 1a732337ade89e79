"""How one spec is trained: the engines that compute its network, its epochs, and what comes out."""
