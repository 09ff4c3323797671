using System.Text.RegularExpressions;

namespace FineTuneService.Engine.Tests;

/// <summary>docs/field.md says which test holds each kind of fault that users met: none is missing, and each named test is there.</summary>
public sealed partial class FieldTableTests
{
    private static readonly string s_table = File.ReadAllText(Path.Combine(Shared.Repository, "docs", "field.md"));

    [Fact]
    public void Table_EveryKindOfTheField_HasALine()
    {
        string[] kinds = [.. Kind().Matches(File.ReadAllText(Shared.Path("field", "README.md"))).Select(match => match.Groups[1].Value)];
        Assert.NotEmpty(kinds);
        Assert.DoesNotContain(kinds, kind => !Regex.IsMatch(s_table, $@"^\|[^|]*\b{kind}\b[^|]*\|", RegexOptions.Multiline));
    }

    [Fact]
    public void Table_EveryTestThatItNames_IsThere()
    {
        string sources = string.Concat(Directory.EnumerateFiles(Path.Combine(Shared.Repository, "tests"), "*.cs", SearchOption.AllDirectories).Select(File.ReadAllText));
        string[] names = [.. Test().Matches(s_table).Select(match => match.Value)];
        Assert.NotEmpty(names);
        foreach (string[] name in names.Select(name => name.Split('.')))
        {
            Assert.Contains($"class {name[0]}", sources, StringComparison.Ordinal);
            if (name.Length > 1) Assert.Contains($" {name[1]}", sources, StringComparison.Ordinal);
        }
    }

    [GeneratedRegex(@"^\| ([A-G]\d+) ", RegexOptions.Multiline)]
    private static partial Regex Kind();

    [GeneratedRegex(@"(?<=`)[A-Z]\w+Tests(\.\w+)?")]
    private static partial Regex Test();
}
