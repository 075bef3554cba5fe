using System.Text;
using System.Text.Json;

using OrleansInference.AspNetCore.Tests.Hosting;

namespace OrleansInference.AspNetCore.Tests.Fuzzing;

/// <summary>Bodies of many requests, valid and not, in pieces of any length: the pieces must not show.</summary>
public sealed class SplitterFuzzTests
{
    private const int Cases = 20_000;
    private const string Alphabet = "{}[]\",:\\ \n\r\t0-9.eEnu\u00fc\0";

    private readonly Random _random = new(5);

    [Fact]
    public void Arrays_and_lines_give_back_the_documents_that_were_put_into_them()
    {
        for (var number = 0; number < Cases; number++)
        {
            string[] documents = [.. Enumerable.Range(0, _random.Next(6)).Select(_ => Value(depth: 0))];
            // Lines whose first one begins with a bracket would be an array.
            var body = _random.Next(2) == 0 || documents is [['[', ..], ..] ? AsArray(documents) : AsLines(documents);

            var found = Splitting.Split(CutAnywhere(body));

            Assert.True(documents.SequenceEqual(found.Select(document => document.Trim())), $"Case {number}: {body} became {string.Join(" | ", found)}");
        }
    }

    [Fact]
    public void Noise_is_split_the_same_wherever_it_is_cut()
    {
        for (var number = 0; number < Cases; number++)
        {
            var noise = new string([.. Enumerable.Range(0, _random.Next(40)).Select(_ => Alphabet[_random.Next(Alphabet.Length)])]);
            var body = _random.Next(2) == 0 ? "[" + noise : noise;
            var whole = Splitting.Split(Encoding.Latin1.GetBytes(body));

            var found = Splitting.Split(CutAnywhere(body));

            Assert.True(whole.SequenceEqual(found), $"Case {number}: {JsonSerializer.Serialize(body)} became {string.Join(" | ", found)}");
        }
    }

    private List<byte[]> CutAnywhere(string body)
    {
        var bytes = Encoding.Latin1.GetBytes(body);
        var pieces = new List<byte[]>();
        for (var start = 0; start < bytes.Length;)
        {
            var end = Math.Min(bytes.Length, start + _random.Next(_random.Next(2) == 0 ? 3 : 30));
            pieces.Add(bytes[start..end]);
            start = end;
        }

        pieces.Add([]);
        return pieces;
    }

    private string AsArray(string[] documents) =>
        Blank() + "[" + Blank() + string.Join(Blank() + "," + Blank(), documents) + Blank() + "]" + Blank();

    private string AsLines(string[] documents) => Blank() + string.Concat(documents.Select(document => document + "\n" + Blank()));

    private string Blank() => new([.. Enumerable.Range(0, _random.Next(3)).Select(_ => " \t\r\n"[_random.Next(4)])]);

    private string Value(int depth) => _random.Next(depth > 3 ? 3 : 6) switch
    {
        0 => _random.Next(-1000, 1000).ToString("R", null),
        1 => "true",
        2 => JsonSerializer.Serialize(new string([.. Enumerable.Range(0, _random.Next(6)).Select(_ => Alphabet[_random.Next(Alphabet.Length)])])),
        3 => $"[{string.Join(',', Enumerable.Range(0, _random.Next(3)).Select(_ => Value(depth + 1)))}]",
        _ => $"{{{string.Join(',', Enumerable.Range(0, _random.Next(3)).Select(index => $"\"{index}\":{Value(depth + 1)}"))}}}",
    };
}
