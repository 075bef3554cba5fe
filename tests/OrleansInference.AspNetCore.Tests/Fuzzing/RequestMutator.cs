using System.Globalization;
using System.IO.Compression;
using System.Text;

using OrleansInference.AspNetCore.Tests.Hosting;

namespace OrleansInference.AspNetCore.Tests.Fuzzing;

/// <summary>Makes requests that are almost right, wildly wrong, or plain noise; the same ones for the same seed.</summary>
internal sealed class RequestMutator(int seed)
{
    private static readonly string[] Routes =
    [
        "simple/infer", "identity/infer", "digits/infer", "identity/versions/1/infer", "identity/generate", "countdown/infer", "countdown/generate_stream",
    ];

    private static readonly string[] Seeds =
    [
        """
        {"id":"a\u0041","parameters":{"timeout":1500,"binary_data_output":true,"x":null},"inputs":[
        {"name":"INPUT0","shape":[1,2],"datatype":"FP32","data":[[1,-2.5e1]]},{"data":["\u00fc","\ud83d\ude00"],"name":"B","shape":[2],"datatype":"BYTES"}],
        "outputs":[{"name":"OUTPUT0","parameters":{"classification":2,"binary_data":false}}]}
        """,
        """{"inputs":[{"name":"INPUT0","shape":[3],"datatype":"FP32","data":[NaN,-Infinity,1]}]}""",
        """{"inputs":[{"name":"INPUT0","shape":[4],"datatype":"BOOL","data":[true,false,[true],true]}],"inputs":[]}""",
        """{"inputs":[{"name":"INPUT0","shape":[1],"datatype":"BYTES","parameters":{"binary_data_size":5}}]}""",
        """{"id":"a","INPUT0":[[1,NaN],[-2.5e1,4]],"FROM":3,"temperature":0.5,"parameters":{"timeout":1500,"priority":2}}""",
    ];

    private static readonly string[] Numbers =
        ["-1", "0", "1e400", "99999999999", "9223372036854775807", "18446744073709551616", "1.5", "NaN", "-", "\"1\"", "null", "[[]]", "{}"];

    private static readonly string[] Lengths = ["0", "1", "-1", "99999999999", "18446744073709551616", "abc", "", "1,2", "0x10", " 5"];

    private readonly Random _random = new(seed);

    public (string Route, HttpContent Body, string? AcceptEncoding) Next()
    {
        var body = _random.Next(8) switch
        {
            0 => Noise(_random.Next(200)),
            1 => Encoding.UTF8.GetBytes(Nested(_random.Next(1, 500))),
            2 => Encoding.UTF8.GetBytes(HugeShape()),
            _ => Mutate(Encoding.UTF8.GetBytes(Pick(Seeds))),
        };
        if (_random.Next(4) == 0) body = [.. body, .. Noise(_random.Next(20))];

        string? encoding = null;
        if (_random.Next(5) == 0)
        {
            encoding = Pick(["gzip", "deflate", "br", "gzip, deflate", "identity"]);
            if (_random.Next(4) > 0) body = Compress(body);
            if (_random.Next(3) == 0) body = body[.._random.Next(body.Length)];
        }

        var content = new ByteArrayContent(body);
        if (encoding is not null) content.Headers.TryAddWithoutValidation("Content-Encoding", encoding);
        if (_random.Next(3) == 0)
        {
            var length = _random.Next(2) == 0 ? Pick(Lengths) : _random.Next(body.Length + 2).ToString(CultureInfo.InvariantCulture);
            content.Headers.TryAddWithoutValidation(Answer.HeaderLength, length);
        }

        if (_random.Next(10) == 0) content.Headers.TryAddWithoutValidation("Content-Type", Pick(["image/png", "text/plain", "x", "application/json"]));
        return (Pick(Routes), content, _random.Next(4) == 0 ? Pick(["gzip", "deflate", "*", "gzip;q=2", ";;"]) : null);
    }

    private byte[] Mutate(byte[] original)
    {
        ReadOnlySpan<byte> interesting = "{}[]\",:\\0-9.eEtnuNI\0\u007f"u8;
        var body = original.ToList();
        for (var changes = _random.Next(0, 4); changes > 0; changes--)
        {
            var place = _random.Next(body.Count);
            var value = _random.Next(2) == 0 ? (byte)_random.Next(256) : interesting[_random.Next(interesting.Length)];
            switch (_random.Next(5))
            {
                case 0:
                    body[place] = value;
                    break;
                case 1:
                    body.Insert(place, value);
                    break;
                case 2:
                    body.RemoveRange(place, Math.Min(_random.Next(1, 20), body.Count - place - 1));
                    break;
                case 3:
                    body.InsertRange(place, Encoding.UTF8.GetBytes(Pick(Numbers)));
                    break;
                default:
                    body.InsertRange(_random.Next(body.Count), body.GetRange(place, Math.Min(_random.Next(1, 30), body.Count - place)));
                    break;
            }
        }

        return [.. body];
    }

    private string Nested(int depth) => Bodies.OneInput(
        "FP32", "[1]", new string('[', depth) + "1" + new string(']', _random.Next(3) == 0 ? depth - 1 : depth));

    private string HugeShape() => Bodies.OneInput(
        Pick(["FP32", "UINT8", "BYTES", "FP64"]), $"[{string.Join(',', Enumerable.Range(0, _random.Next(1, 40)).Select(_ => Pick(Numbers)))}]", "[1]");

    private byte[] Noise(int length)
    {
        var noise = new byte[length];
        _random.NextBytes(noise);
        return noise;
    }

    private static byte[] Compress(byte[] plain)
    {
        using var target = new MemoryStream();
        using (var stream = new GZipStream(target, CompressionLevel.Fastest)) stream.Write(plain);
        return target.ToArray();
    }

    private T Pick<T>(T[] choices) => choices[_random.Next(choices.Length)];
}
