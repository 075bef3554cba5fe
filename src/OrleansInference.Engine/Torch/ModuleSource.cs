using System.Text;
using System.Text.RegularExpressions;

namespace OrleansInference.Engine.Torch;

/// <summary>The source of an archive's own class: that of the module which was saved, and whose <c>forward</c> is called.</summary>
/// <param name="Entry">Where it lies in the archive.</param>
/// <param name="Text">The whole of that, which may hold other classes and functions too.</param>
/// <param name="Start">Where the class's body begins.</param>
/// <param name="Length">The length of the body.</param>
internal sealed partial record ModuleSource(ZipEntry Entry, string Text, int Start, int Length)
{
    private const string Definition = "\n  def ", Forward = Definition + "forward(";
    private const int MaxBytes = 16 << 20, MaxDeclaration = 65_536, MaxNameBytes = 4096;

    /// <summary>Where <c>forward</c> is defined in the text; -1 where it is not.</summary>
    public int ForwardAt => Text.IndexOf(Forward, Start, Length, StringComparison.Ordinal) is >= 0 and var at ? at + 1 : -1;

    /// <summary>The names of the class's methods.</summary>
    public IEnumerable<string> Methods => MethodPattern().Matches(Text.Substring(Start, Length)).Select(match => match.Groups[1].Value);

    /// <summary>The declaration of <c>forward</c>; null where there is none, or where it is not understood.</summary>
    public ForwardSchema? Schema =>
        ForwardAt is >= 0 and var at ? ForwardSchema.Parse(Text.AsSpan(at - 1 + Forward.Length)[..Math.Min(MaxDeclaration, Text.Length - at + 1 - Forward.Length)]) : null;

    /// <summary>The keys that stand in the source of <c>forward</c>, where it puts together a dict.</summary>
    public IReadOnlyList<string> Keys
    {
        get
        {
            if (ForwardAt is not (>= 0 and var at)) return [];
            var end = Text.IndexOf(Definition, at, Start + Length - at, StringComparison.Ordinal);
            var body = Text[at..(end < 0 ? Start + Length : end)];
            return [.. KeyPattern().Matches(body).Select(match => match.Groups[1].Value).Distinct()];
        }
    }

    /// <summary>Finds it by the name of the class, with which the archive's attributes begin.</summary>
    /// <returns>Null where the archive is written as this reader does not expect.</returns>
    /// <exception cref="InvalidDataException">The archive is damaged.</exception>
    public static ModuleSource? Find(ZipDirectory archive, string root, ZipEntry attributes)
    {
        if (ReadClass(archive.ReadBeginning(attributes, MaxNameBytes)) is not var (module, name)) return null;
        var path = $"{root}/code/{module.Replace('.', '/')}.py";
        if (archive.Entries.FirstOrDefault(entry => entry.Name == path) is not { Size: <= MaxBytes } source) return null;
        var text = "\n" + Encoding.UTF8.GetString(archive.Read(source, MaxBytes));
        var header = $"\nclass {name}(";
        var start = text.IndexOf(header, StringComparison.Ordinal);
        if (start < 0) return null;
        start = text.IndexOf('\n', start + 1);
        if (start < 0) return null;
        var end = NextDefinition().Match(text, start);
        return new(source, text, start, (end.Success ? end.Index : text.Length) - start);
    }

    /// <summary>The pickle's first object: protocol 2, and the name of a class by its module and itself, each with a line's end.</summary>
    private static (string Module, string Name)? ReadClass(ReadOnlySpan<byte> pickle)
    {
        ReadOnlySpan<byte> beginning = [0x80, 2, (byte)'c'];
        if (!pickle.StartsWith(beginning)) return null;
        var rest = pickle[beginning.Length..];
        var first = rest.IndexOf((byte)'\n');
        if (first < 0) return null;
        var second = rest[(first + 1)..].IndexOf((byte)'\n');
        return second < 0 ? null : (Encoding.UTF8.GetString(rest[..first]), Encoding.UTF8.GetString(rest.Slice(first + 1, second)));
    }

    [GeneratedRegex(@"\n  def (\w+)\(", RegexOptions.NonBacktracking)]
    private static partial Regex MethodPattern();

    [GeneratedRegex(@"\n(class|def) ", RegexOptions.NonBacktracking)]
    private static partial Regex NextDefinition();

    [GeneratedRegex("""(?:[{,] ?|_set_item\(\w+, )"([^"\\]+)"[:,]""", RegexOptions.NonBacktracking)]
    private static partial Regex KeyPattern();
}
