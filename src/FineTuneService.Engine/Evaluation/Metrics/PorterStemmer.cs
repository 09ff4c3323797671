namespace FineTuneService.Engine.Evaluation.Metrics;

/// <summary>
/// Porter's stemmer (An algorithm for suffix stripping, 1980) with the extensions that NLTK, and so rouge_score, uses. Words are lower case.
/// </summary>
internal static class PorterStemmer
{
    private static readonly Dictionary<string, string> s_irregular = new(StringComparer.Ordinal)
    {
        ["sky"] = "sky",
        ["skies"] = "sky",
        ["dying"] = "die",
        ["lying"] = "lie",
        ["tying"] = "tie",
        ["news"] = "news",
        ["innings"] = "inning",
        ["inning"] = "inning",
        ["outings"] = "outing",
        ["outing"] = "outing",
        ["cannings"] = "canning",
        ["canning"] = "canning",
        ["howe"] = "howe",
        ["proceed"] = "proceed",
        ["exceed"] = "exceed",
        ["succeed"] = "succeed",
    };

    private static readonly (string Suffix, string Replacement)[] s_secondStep =
    [
        ("ational", "ate"), ("tional", "tion"), ("enci", "ence"), ("anci", "ance"), ("izer", "ize"), ("bli", "ble"), ("alli", "al"), ("entli", "ent"), ("eli", "e"),
        ("ousli", "ous"), ("ization", "ize"), ("ation", "ate"), ("ator", "ate"), ("alism", "al"), ("iveness", "ive"), ("fulness", "ful"), ("ousness", "ous"),
        ("aliti", "al"), ("iviti", "ive"), ("biliti", "ble"), ("fulli", "ful"),
    ];

    private static readonly (string Suffix, string Replacement)[] s_thirdStep =
        [("icate", "ic"), ("ative", ""), ("alize", "al"), ("iciti", "ic"), ("ical", "ic"), ("ful", ""), ("ness", "")];

    private static readonly string[] s_fourthStep =
        ["al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion", "ou", "ism", "ate", "iti", "ous", "ive", "ize"];

    public static string Stem(string word)
    {
        if (s_irregular.TryGetValue(word, out string? stem)) return stem;
        if (word.Length <= 2) return word;
        word = FinalY(PastAndProgressive(Plural(word)));
        return FinalL(FinalE(Derived(ThirdStep(SecondStep(word)))));
    }

    private static string Plural(string word)
    {
        if (Ends(word, "ies")) return word.Length == 4 ? word[..^1] : word[..^2];
        if (Ends(word, "sses")) return word[..^2];
        return Ends(word, "s") && !Ends(word, "ss") ? word[..^1] : word;
    }

    private static string PastAndProgressive(string word)
    {
        if (Ends(word, "ied")) return word.Length == 4 ? word[..^1] : word[..^2];
        if (Ends(word, "eed")) return Measure(word[..^3]) > 0 ? word[..^1] : word;
        string? stem = new[] { "ed", "ing" }.Where(suffix => Ends(word, suffix)).Select(suffix => word[..^suffix.Length]).FirstOrDefault(HasVowel);
        if (stem is null) return word;
        if (Ends(stem, "at") || Ends(stem, "bl") || Ends(stem, "iz")) return stem + "e";
        if (EndsWithDouble(stem)) return stem[^1] is 'l' or 's' or 'z' ? stem : stem[..^1];
        return Measure(stem) == 1 && EndsShort(stem) ? stem + "e" : stem;
    }

    private static string FinalY(string word) => Ends(word, "y") && word.Length > 2 && IsConsonant(word, word.Length - 2) ? word[..^1] + "i" : word;

    private static string SecondStep(string word)
    {
        if (Ends(word, "alli") && Measure(word[..^4]) > 0) return SecondStep(word[..^2]);
        foreach ((string suffix, string replacement) in s_secondStep)
        {
            if (Ends(word, suffix)) return Measure(word[..^suffix.Length]) > 0 ? word[..^suffix.Length] + replacement : word;
        }
        return Ends(word, "logi") && Measure(word[..^3]) > 0 ? word[..^1] : word;
    }

    private static string ThirdStep(string word)
    {
        foreach ((string suffix, string replacement) in s_thirdStep)
        {
            if (Ends(word, suffix)) return Measure(word[..^suffix.Length]) > 0 ? word[..^suffix.Length] + replacement : word;
        }
        return word;
    }

    private static string Derived(string word)
    {
        if (Array.Find(s_fourthStep, suffix => Ends(word, suffix)) is not { } found) return word;
        string stem = word[..^found.Length];
        return Measure(stem) > 1 && (found != "ion" || stem[^1] is 's' or 't') ? stem : word;
    }

    private static string FinalE(string word)
    {
        if (!Ends(word, "e")) return word;
        string stem = word[..^1];
        return Measure(stem) > 1 || (Measure(stem) == 1 && !EndsShort(stem)) ? stem : word;
    }

    private static string FinalL(string word) => Ends(word, "ll") && Measure(word[..^1]) > 1 ? word[..^1] : word;

    private static bool Ends(string word, string suffix) => word.EndsWith(suffix, StringComparison.Ordinal);

    private static bool IsConsonant(string word, int at) => word[at] switch
    {
        'a' or 'e' or 'i' or 'o' or 'u' => false,
        'y' => at == 0 || !IsConsonant(word, at - 1),
        _ => true,
    };

    /// <summary>How often a vowel is followed by a consonant.</summary>
    private static int Measure(string stem) => Enumerable.Range(1, Math.Max(0, stem.Length - 1)).Count(at => IsConsonant(stem, at) && !IsConsonant(stem, at - 1));

    private static bool HasVowel(string stem) => Enumerable.Range(0, stem.Length).Any(at => !IsConsonant(stem, at));

    private static bool EndsWithDouble(string word) => word.Length >= 2 && word[^1] == word[^2] && IsConsonant(word, word.Length - 1);

    /// <summary>Consonant, vowel, consonant, as in "hop"; of two letters, vowel and consonant.</summary>
    private static bool EndsShort(string word) => word.Length switch
    {
        >= 3 => IsConsonant(word, word.Length - 3) && !IsConsonant(word, word.Length - 2) && IsConsonant(word, word.Length - 1) && word[^1] is not ('w' or 'x' or 'y'),
        2 => !IsConsonant(word, 0) && IsConsonant(word, 1),
        _ => false,
    };
}
