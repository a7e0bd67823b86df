"""A bidirectional LSTM over packed sequences."""

from __future__ import annotations

from typing import Literal

from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from merdata_train.parts.part import Count, Share
from merdata_train.parts.schemas import Block, BlockModule
from merdata_train.parts.stream import Shape, Stream


class BiLSTM(Block):
    """A bidirectional LSTM: `width` units each way, so that its states have twice that width."""

    kind: Literal["bilstm"]
    width: Count
    layers: Count = 1
    dropout: Share = 0.0

    def build(self, shape: Shape) -> BlockModule:
        return _Read(shape, self)


class _Read(BlockModule):
    def __init__(self, shape: Shape, config: BiLSTM) -> None:
        super().__init__()
        self.shape = Shape(2 * config.width, shape.sequence)
        between = config.dropout if config.layers > 1 else 0.0
        self.lstm = nn.LSTM(
            shape.width, config.width, config.layers, batch_first=True, bidirectional=True, dropout=between
        )
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, stream: Stream) -> Stream:
        # Packed: the backward direction begins at a row's last state, not in its padding.
        packed = pack_padded_sequence(
            stream.states, stream.lengths.cpu(), batch_first=True, enforce_sorted=False
        )
        states, _ = pad_packed_sequence(
            self.lstm(packed)[0], batch_first=True, total_length=stream.states.shape[1]
        )
        return stream.with_states(self.dropout(states))
