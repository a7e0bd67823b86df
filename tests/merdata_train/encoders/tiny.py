"""Tiny encoders with random weights, of the real classes, saved as anyone saves a model."""

from __future__ import annotations

from pathlib import Path

import torch

from merdata_train.encoders.pretrained import import_transformers

# Weights ten times as large as usual: what such a network says of a row depends on the row. No dropout
# inside, so that the parts of a step can be compared with the whole.
SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "initializer_range": 0.2,
}


def save_audio_encoder(folder: Path, kind: str = "WavLM", norm: str = "group") -> Path:
    """A WavLM, Hubert or Wav2Vec2 of two layers, with the front end's norm as in the base or large models."""
    transformers = import_transformers()
    torch.manual_seed(0)
    config = getattr(transformers, f"{kind}Config")(
        **SIZES,
        hidden_dropout=0.0,
        attention_dropout=0.0,
        activation_dropout=0.0,
        feat_proj_dropout=0.0,
        conv_dim=(16,) * 7,
        feat_extract_norm=norm,
        do_stable_layer_norm=norm == "layer",
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=4,
    )
    getattr(transformers, f"{kind}Model")(config).save_pretrained(folder)
    transformers.Wav2Vec2FeatureExtractor(
        do_normalize=norm == "layer", return_attention_mask=norm == "layer"
    ).save_pretrained(folder)
    return folder


def save_text_encoder(folder: Path, texts: list[str], kind: str = "Roberta", **changes: object) -> Path:
    """A Roberta, XLMRoberta or Bert of two layers, with a tokenizer trained on the spot."""
    transformers = import_transformers()
    folder.mkdir(parents=True)
    tokenizer = _wordpieces(folder, texts) if kind == "Bert" else _bytes(folder, texts)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = getattr(transformers, f"{kind}Config")(
        **SIZES | changes,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        vocab_size=len(tokenizer),
        max_position_embeddings=326,
        pad_token_id=tokenizer.pad_token_id,
        type_vocab_size=2 if kind == "Bert" else 1,
    )
    getattr(transformers, f"{kind}Model")(config).save_pretrained(folder)
    return folder


def _bytes(folder: Path, texts: list[str]) -> object:
    from tokenizers import ByteLevelBPETokenizer

    trained = ByteLevelBPETokenizer()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    trained.train_from_iterator(texts, vocab_size=600, special_tokens=special, show_progress=False)
    trained.save_model(str(folder))
    files = {"vocab": str(folder / "vocab.json"), "merges": str(folder / "merges.txt")}
    return import_transformers().RobertaTokenizer(**files)


def _wordpieces(folder: Path, texts: list[str]) -> object:
    from tokenizers import BertWordPieceTokenizer

    trained = BertWordPieceTokenizer()
    trained.train_from_iterator(texts, vocab_size=600, show_progress=False)
    trained.save_model(str(folder))
    return import_transformers().BertTokenizer(vocab=str(folder / "vocab.txt"))


def save_whisper(folder: Path, window: int = 2) -> Path:
    """A Whisper of two layers with its decoder, whose window has so many seconds."""
    transformers = import_transformers()
    torch.manual_seed(0)
    config = transformers.WhisperConfig(
        d_model=32,
        encoder_layers=2,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        init_std=0.2,
        encoder_layerdrop=0.5,
        apply_spec_augment=True,
        num_mel_bins=16,
        max_source_positions=50 * window,
        max_target_positions=8,
        vocab_size=64,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=1,
        decoder_start_token_id=2,
        suppress_tokens=None,
        begin_suppress_tokens=None,
    )
    transformers.WhisperForConditionalGeneration(config).save_pretrained(folder)
    transformers.WhisperFeatureExtractor(feature_size=16, chunk_length=window).save_pretrained(folder)
    return folder
