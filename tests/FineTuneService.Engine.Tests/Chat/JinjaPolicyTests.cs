using System.Diagnostics;
using System.Text.Json.Nodes;
using FineTuneService.Engine.Chat;

namespace FineTuneService.Engine.Tests.Chat;

/// <summary>Templates that would hang or fill the memory of a service that renders what its users upload.</summary>
public class JinjaPolicyTests
{
    public static TheoryData<string> Names() => Shared.Present ? [.. Cases().Select(@case => (string)@case!["name"]!)] : [""];

    private static JsonArray Cases() => GoldenChat.Read("golden", "chat", "policy.json")["must_be_bounded"]!.AsArray();

    [Theory, MemberData(nameof(Names))]
    public void Render_BoundlessTemplate_EndsSoonAndSmall(string name)
    {
        var @case = Cases().First(@case => (string)@case!["name"]! == name)!;
        var source = Built(name) ?? (string)@case["template"]!;
        var clock = Stopwatch.StartNew();
        var before = GC.GetTotalAllocatedBytes();
        // Either refused, or rendered within the bounds.
        var refusal = Record.Exception(() => ChatTemplate.Parse(source, null, null).Render([new ChatMessage("user", "Hi")]));
        Assert.True(refusal is null or ChatTemplateException, refusal?.ToString());
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(30), $"took {clock.Elapsed}");
        var allocated = GC.GetTotalAllocatedBytes() - before;
        Assert.True(allocated < 8L << 30, $"allocated {allocated:N0} bytes");
        Fidelity.Passed("chat", $"policy {name}", refusal is null ? "rendered" : "refused");
    }

    [Fact]
    public void Render_EndlessMacro_NamesTheRecursion()
    {
        var template = ChatTemplate.Parse("{% macro f(n) %}{{ f(n + 1) }}{% endmacro %}\n{{ f(0) }}", null, null);
        var refusal = Assert.Throws<ChatTemplateException>(() => template.Render([new ChatMessage("user", "Hi")]));
        Assert.Contains("recursion", refusal.Reason);
    }

    /// <summary>The templates that the reference describes instead of storing.</summary>
    private static string? Built(string name)
    {
        static string Repeat(string text) => string.Concat(Enumerable.Repeat(text, 100_000));
        return name switch
        {
            "deep-parentheses" => $"{{{{ {Repeat("(")}1{Repeat(")")} }}}}",
            "deep-if" => Repeat("{% if true %}") + Repeat("{% endif %}"),
            "long-elif" => $"{{% if false %}}{Repeat("{% elif false %}")}{{% endif %}}",
            "long-concat" => $"{{{{ 'a'{Repeat(" ~ 'a'")} }}}}",
            "giant-template" => new string('x', 10 << 20),
            _ => null,
        };
    }
}
