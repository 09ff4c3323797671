using System.Diagnostics;
using FineTuneService.Engine.Chat;

namespace FineTuneService.Engine.Tests.Chat;

/// <summary>Templates that nest without end, or do without end in one step: each is refused, soon, and nothing else happens.</summary>
public class HostileTemplateTests
{
    private const int Deep = 10_000;

    /// <summary>Sources that are built, by name: the parts in front of, around and behind the depth.</summary>
    private static readonly Dictionary<string, string> Nested = new()
    {
        ["target of for"] = "{% for " + Times("(", 40_000),
        ["target of set"] = "{% set " + Times("(") + "a" + Times(")") + " = 1 %}",
        ["target of with"] = "{% with " + Times("(") + "a" + Times(")") + " = 1 %}{% endwith %}",
        ["parentheses"] = "{{ " + Times("(") + "1" + Times(")") + " }}",
        ["lists"] = "{{ " + Times("[") + Times("]") + " }}",
        ["dicts"] = "{{ " + Times("{1:") + "1" + Times("}") + " }}",
        ["not"] = "{{ " + Times("not ") + "1 }}",
        ["minus"] = "{{ " + Times("-") + "1 }}",
        ["conditionals"] = "{{ " + Times("1 if 0 else ", 9_000) + "1 }}",
        ["calls"] = "{{ " + Times("f(") + "1" + Times(")") + " }}",
        ["subscripts"] = "{{ " + Times("a[") + "1" + Times("]") + " }}",
        ["filters"] = "{{ 1" + Times("|abs", 20_000) + " }}",
        ["filter arguments"] = "{{ 1" + Times("|default(1") + Times(")") + " }}",
        ["tests"] = "{{ 1" + Times(" is eq(1", 12_000) + Times(")", 12_000) + " }}",
        ["attributes"] = "{{ a" + Times(".b") + " }}",
        ["sums"] = "{{ 1" + Times("+1") + " }}",
        ["powers"] = "{{ 1" + Times("**1", 30_000) + " }}",
        ["and"] = "{{ 1" + Times(" and 1", 20_000) + " }}",
        ["if"] = Times("{% if 1 %}", 10_000),
        ["for"] = Times("{% for a in [1] %}", 6_000),
        ["with"] = Times("{% with %}", 10_000),
        ["block"] = string.Concat(Enumerable.Range(0, 6_000).Select(i => $"{{% block b{i} %}}")),
        ["macro"] = Times("{% macro a() %}", 8_000),
        ["call"] = Times("{% call a() %}", 8_000),
        ["filter"] = Times("{% filter trim %}", 7_000),
        ["set"] = Times("{% set a %}", 10_000),
        ["generation"] = Times("{% generation %}", 7_000),
        ["autoescape"] = Times("{% autoescape 1 %}", 7_000),
    };

    /// <summary>Each makes a value in which a value lies in a value, 50,000 times, and then asks something of it.</summary>
    private static readonly string[] DeepValues =
    [
        "{{ v }}", "{{ v|string }}", "{{ v|tojson }}", "{{ v == w }}", "{{ v < w }}", "{{ {v: 1} }}", "{{ v in [w] }}", "{{ [v, w]|sort }}", "{{ [v, w]|unique|list }}",
        "{{ [v, w]|max }}", "{{ '%s' % (v,) }}", "{{ '{}'.format(v) }}", "{{ '%r' % (v,) }}", "{{ v ~ '' }}", "{{ [v]|join }}", "{{ [v].index(w) }}", "{{ [v].count(w) }}",
        "{{ v|e }}", "{{ [v, w]|groupby(0)|list }}", "{{ {}[v] }}", "{{ {}.get(v) or v }}", "{{ [[v]]|map('list')|list }}", "{{ v is eq w }}", "{{ v|upper }}",
    ];

    /// <summary>Each is one expression, or a short loop, whose work or size grows far beyond its length.</summary>
    private static readonly string[] Boundless =
    [
        "{% set a = 'ab' * 4000000 %}{% for i in range(100000) %}{% if a == a ~ '' %}{% endif %}{% endfor %}",
        "{% set a = 'x' * 8000000 %}{% for i in range(100000) %}{% if 'xy' in a %}{% endif %}{% endfor %}",
        "{% set a = 'x' * 8000000 %}{{ a.find('x' * 4000000 ~ 'y') }}{{ a.count('x' * 4000000 ~ 'y') }}{{ a.rfind('y' ~ 'x' * 4000000) }}{% for i in range(100000) %}{{ a.find('y' * 5000) }}{% endfor %}",
        "{% set a = 'x' * 8000000 %}{% for i in range(100000) %}{% set b = a[i:] %}{% endfor %}",
        "{% set a = 'x' * 8000000 %}{% for i in range(100000) %}{{ a[i] }}{% endfor %}",
        "{% set a = [0] * 4000000 %}{% for i in range(100000) %}{% set b = a[1:] %}{% endfor %}",
        "{% set a = [0] * 4000000 %}{% for i in range(100000) %}{% if 1 in a %}{% endif %}{% endfor %}",
        "{% set a = [0] * 4000000 %}{% for i in range(100000) %}{% if a == a[:] %}{% endif %}{% endfor %}",
        "{% set a = [0] * 4000000 %}{% for i in range(100000) %}{{ a.count(1) }}{{ a|sum }}{% endfor %}",
        "{% set a = range(100000)|list %}{% for i in a %}{{ a|sort(reverse=true)|first }}{% endfor %}",
        "{% set a = range(100000)|list %}{% for i in a %}{{ a|map('string')|list|length }}{% endfor %}",
        "{% set a = range(100000)|list %}{% for i in a %}{{ a|select('odd')|list|length }}{{ a|unique|list|length }}{{ a|batch(3)|list|length }}{{ a|slice(3)|list|length }}{% endfor %}",
        "{% set a = range(100000) %}{% for i in a %}{{ dict.fromkeys(a)|length }}{% endfor %}",
        "{% set a = '<' * 8000000 %}{{ a|e }}{{ a|e }}{{ a|e }}{{ a|e }}{{ a|e }}",
        "{% set a = '\\n' * 8000000 %}{{ a|indent(100) }}",
        "{% set a = 'a,' * 4000000 %}{% for i in range(1000) %}{{ a.split(',')|length }}{{ a.replace('a', 'b')|length }}{% endfor %}",
        "{% set a = 'a ' * 4000000 %}{% for i in range(1000) %}{{ a.split()|length }}{{ a|title|length }}{{ a|wordcount }}{{ a.strip('b')|length }}{{ a.upper()|length }}{% endfor %}",
        "{{ '%(a)s' * 1000000 % {'a': 'x' * 1000000} }}",
        "{{ ('{a}' * 1000000).format(a='x' * 1000000) }}",
        "{{ '%.16000000f' % 1.5 }}{{ '%.16000000e' % 1.5 }}{{ '%.16000000g' % 1.5 }}",
        "{% set a = 3 ** 40000 %}{% for i in range(100000) %}{{ a }}{% endfor %}",
        "{% set a = 2 ** 60000 %}{% for i in range(100000) %}{% set b = a * 31 // 17 % a %}{% set c = '%x' % a %}{% endfor %}",
        "{% set ns = namespace(a=7) %}{% for i in range(100000) %}{% set ns.a = ns.a * ns.a %}{% endfor %}{{ ns.a }}",
        "{{ ('9' * 8000000)|int }}{{ ('f' * 8000000)|int(base=16) }}{{ ('9' * 8000000)|float }}",
        "{{ 1.5|round(2000000000) }}{{ 15|round(-2000000000) }}{{ 15|round(2000000000, 'ceil') }}",
        "{% set ns = namespace(t=(1,)) %}{% for i in range(60) %}{% set ns.t = (ns.t, ns.t) %}{% endfor %}{{ {ns.t: 1}|length }}",
        "{% set ns = namespace(t=[1], u=[1]) %}{% for i in range(60) %}{% set ns.t = [ns.t, ns.t] %}{% set ns.u = [ns.u, ns.u] %}{% endfor %}{{ ns.t == ns.u }}",
        "{% set ns = namespace(t=[1]) %}{% for i in range(60) %}{% set ns.t = [ns.t, ns.t] %}{% endfor %}{{ ns.t }}",
        "{% set ns = namespace(t=[1]) %}{% for i in range(60) %}{% set ns.t = [ns.t, ns.t] %}{% endfor %}{{ ns.t|tojson }}",
        "{% macro f(n) %}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}",
        "{% block a %}{{ self.a() }}{% endblock %}",
        "{% block a %}{{ self.b() }}{{ self.b() }}{% endblock %}{% block b %}{{ self.a() }}{{ self.a() }}{% endblock %}",
        "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
        "{{ strftime_now('%c' * 4000000)|length }}",
        "{{ ('a-' * 4000000)|wordwrap(1)|length }}",
        "{{ ('<a>' * 4000000)|striptags|length }}{{ ('é' * 8000000)|urlencode|length }}",
        "{{ lipsum(2000000000) }}",
        "{{ dict(**dict.fromkeys(range(100000))) }}",
        "{% for a in range(100000) %}{% for b in range(100000) %}{{ [a, b]|map('string')|join }}{% endfor %}{% endfor %}",
        "{{ 'ab'.join(range(100000)|map('string')|list * 50) }}",
    ];

    public static TheoryData<string> NestedNames => [.. Nested.Keys];

    public static TheoryData<string> Deeds => [.. DeepValues];

    public static TheoryData<string> Loops => [.. Boundless];

    [Theory, MemberData(nameof(NestedNames))]
    public void Render_SourceThatNestsDeeply_IsRefused(string name) => AssertRefused(Nested[name]);

    [Theory, MemberData(nameof(Deeds))]
    public void Render_ValueThatNestsDeeply_IsRefused(string deed)
    {
        foreach (var (open, close) in new[] { ("[", "]"), ("(", ",)"), ("{1: ", "}") })
        {
            string build = $"{{% set ns = namespace(v=1, w=1) %}}{{% for i in range(50000) %}}{{% set ns.v = {open}ns.v{close} %}}{{% set ns.w = {open}ns.w{close} %}}{{% endfor %}}";
            AssertRefused(build + "{% set v, w = ns.v, ns.w %}" + deed);
        }
    }

    [Theory, MemberData(nameof(Loops))]
    public void Render_WorkWithoutEnd_EndsSoonAndSmall(string source)
    {
        var clock = Stopwatch.StartNew();
        long before = GC.GetTotalAllocatedBytes();
        Exception? refusal = Record.Exception(() => Render(source));
        Assert.True(refusal is null or ChatTemplateException, refusal?.ToString());
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(30), $"took {clock.Elapsed}");
        Assert.True(GC.GetTotalAllocatedBytes() - before < 4L << 30, $"allocated {(GC.GetTotalAllocatedBytes() - before) >> 20} MB");
    }

    [Fact]
    public void Render_DeepRecursionThatEnds_IsRendered() => Assert.Equal(
        "100", Render("{% macro f(n) %}{{ f(n - 1) if n else '' }}{% if n == 1 %}100{% endif %}{% endmacro %}{{ f(100)|trim }}"));

    private static void AssertRefused(string source)
    {
        // A stack of the size that the thread pool's threads have, so that an overflow would show here too.
        Exception? refusal = null;
        var thread = new Thread(() => refusal = Record.Exception(() => Render(source)), 1_500_000);
        thread.Start();
        thread.Join();
        Assert.IsType<ChatTemplateException>(refusal);
    }

    private static string Render(string source) => ChatTemplate.Parse(source, null, null).Render([new ChatMessage("user", "Hi")]);

    private static string Times(string text, int times = Deep) => string.Concat(Enumerable.Repeat(text, times));
}
