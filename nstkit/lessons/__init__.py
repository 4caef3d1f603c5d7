"""Lessons: find them, read what they ask, build their notebooks. Nothing here loads torch."""

from nstkit.lessons.find import Lesson, find_exercise, find_lesson, find_lessons, lessons_root
from nstkit.lessons.outline import Outline, outline

__all__ = ["Lesson", "Outline", "find_exercise", "find_lesson", "find_lessons", "lessons_root", "outline"]
