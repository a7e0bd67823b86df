"""A Whisper of a few thousand random weights, saved as people save theirs."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from tokenizers import AddedToken, Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE

from merdata.asr.torchaudio import import_torchaudio

END, START, ENGLISH, GERMAN, TRANSCRIBE, BARE = range(256, 262)
SPECIAL = ("<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|de|>", "<|transcribe|>", "<|notimestamps|>")


def save_whisper(folder: Path, seed: int = 0) -> Path:
    """Write the folder of a random model that knows bytes, English and German."""
    import_torchaudio()  # before transformers imports it
    import transformers

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    core = Tokenizer(BPE({letter: number for number, letter in enumerate(letters)}, []))
    core.pre_tokenizer, core.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    core.add_special_tokens([AddedToken(name, special=True) for name in SPECIAL])
    end = {"eos_token": SPECIAL[0], "pad_token": SPECIAL[0]}
    transformers.PreTrainedTokenizerFast(tokenizer_object=core, **end).save_pretrained(folder)
    config = transformers.WhisperConfig(
        vocab_size=256 + len(SPECIAL),
        num_mel_bins=8,
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        max_target_positions=96,
        decoder_start_token_id=START,
        bos_token_id=END,
        eos_token_id=END,
        pad_token_id=END,
        suppress_tokens=None,
        begin_suppress_tokens=None,
        init_std=0.5,
    )
    torch.manual_seed(seed)
    model = transformers.WhisperForConditionalGeneration(config)
    model.generation_config = transformers.GenerationConfig(
        decoder_start_token_id=START,
        bos_token_id=END,
        eos_token_id=END,
        pad_token_id=END,
        lang_to_id={"<|en|>": ENGLISH, "<|de|>": GERMAN},
        task_to_id={"transcribe": TRANSCRIBE},
        no_timestamps_token_id=BARE,
        max_length=8,
        is_multilingual=True,
    )
    transformers.utils.logging.disable_progress_bar()
    model.save_pretrained(folder)
    transformers.WhisperFeatureExtractor(feature_size=8).save_pretrained(folder)
    assert json.loads((folder / "config.json").read_text())["model_type"] == "whisper"
    return folder
