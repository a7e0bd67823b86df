"""What the raw labels of M3ED mean."""

from __future__ import annotations

TARGETS = {
    "Neutral": "neutral",
    "Anger": "anger",
    "Sad": "sadness",
    "Happy": "joy",
    "Disgust": "disgust",
    "Surprise": "surprise",
    "Fear": "fear",
}
