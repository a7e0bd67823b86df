"""merdata_train: emotion models on a merdata store, from YAML recipes to honest tables."""
