using System.Text.RegularExpressions;
using FineTuneService.Engine.Evaluation.Metrics;

namespace FineTuneService.Engine.Training.SelfInstruct;

/// <summary>Which instructions are kept: the rules of Self-Instruct's bootstrap_instructions.py.</summary>
public static partial class InstructionFilter
{
    /// <summary>Words; a task of three words says too little, one of 150 is a story.</summary>
    private const int Fewest = 4, Most = 150;

    private static readonly Rouge Rouge = new();

    /// <summary>Why an instruction is no good by itself, in one word; null where it is.</summary>
    public static string? Fault(string instruction)
    {
        int words = instruction.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length;
        if (words is < Fewest or > Most) return "length";
        if (Unsuitable().IsMatch(instruction)) return "unsuitable";
        // Models add this to any task that they know.
        if (instruction.StartsWith("Write a program", StringComparison.Ordinal)) return "program";
        if (!char.IsAscii(instruction[0])) return "language";
        return char.IsPunctuation(instruction[0]) || char.IsSymbol(instruction[0]) ? "punctuation" : null;
    }

    /// <summary>Whether it says what another says: their ROUGE-L is above <paramref name="most"/>.</summary>
    public static bool IsAlike(string instruction, IReadOnlyList<string> others, double most) =>
        others.Count > 0 && Rouge.Longest(instruction, others).F > most;

    /// <summary>What a model of text cannot see or do.</summary>
    [GeneratedRegex(@"\b(images?|graphs?|pictures?|files?|maps?|draw|plot|go to)\b", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Unsuitable();
}
